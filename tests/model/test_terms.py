"""A term is declared once, with all that others say of it."""

from pathlib import Path
from token import NAME
from tokenize import tokenize

import pytest

import flotilla
from flotilla.model.terms import HEADINGS, TERMS

SOURCE = Path(flotilla.__file__).parent


@pytest.mark.parametrize("term", TERMS.values(), ids=lambda term: term.name)
def test_it_has_a_heading_a_title_and_words(term):
    assert term.heading in HEADINGS
    assert term.title[0].isupper()
    assert term.words[0].islower()
    assert not term.words.endswith(".")


def test_names_of_terms_and_headings_are_no_others():
    assert not TERMS.keys() & {*HEADINGS}


def names_in(path):
    with path.open("rb") as file:
        return {token.string for token in tokenize(file.readline) if token.type == NAME}


def test_a_term_is_named_where_it_is_declared_in_the_parameters_and_in_the_loop_that_uses_it():
    named = {str(path.relative_to(SOURCE)): names_in(path) for path in SOURCE.rglob("*.py")}

    def files(term):
        return {name for name, names in named.items() if names & {term, f"{term}_bps"}}

    assert files("slippage") == {"model/terms.py", "kernel/records.py", "kernel/fill.py"}
    assert {name for name in files("min_trade") if not name.startswith("kernel/")} == {"model/terms.py"}
