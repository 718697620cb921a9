"""The tables of the manual are held to the code: no key, operator, measure or name is missing, or made up."""

import inspect
import re
import subprocess
import sys
from inspect import signature
from typing import Annotated, Literal, get_args, get_origin

import msgspec
import pytest
import yaml
from tests.docs.reader import REPOSITORY

import flotilla
from flotilla import research, stage, testing
from flotilla.config import DataConfig, RunConfig, Steps, StrategyConfig
from flotilla.model.measures import MEASURES, RANKED, SKILL_OR_LUCK
from flotilla.model.records import Fill, Order
from flotilla.model.terms import TERMS, PortfolioConfig, Rebalance
from flotilla.plugins import find, known, parameters
from flotilla.research import plot
from flotilla.stage import high, low
from flotilla.stage.calendar import month
from flotilla.stage.expression import Node
from flotilla.stage.plan import warm_up

STRUCTS = {
    "": RunConfig,
    "data.": DataConfig,
    "strategies.NAME.": StrategyConfig,
    "portfolio.": PortfolioConfig,
    "portfolio.rebalance.": Rebalance,
    "sweep.KEY.": Steps,
}


def page(name):
    return (REPOSITORY / "docs" / f"{name}.md").read_text(encoding="utf-8")


def rows(name, heading):
    """Return the rows of a page's tables whose first header is `heading`, each as its cells."""
    found, inside = [], False
    for line in page(name).splitlines():
        cells = [cell.strip() for cell in line.strip()[1:-1].split("|")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[0] == heading:
            inside = True
        elif inside and not set(line) <= set("|-"):
            found.append(cells)
    return found


def words(cell):
    return re.findall(r"`([^`]+)`", cell)


def test_every_key_of_the_configuration_is_there_with_its_default():
    told = {words(cells[0])[0]: cells[1] for cells in rows("configuration", "key")}
    keys = {
        prefix + field.encode_name: field
        for prefix, struct in STRUCTS.items()
        for field in msgspec.structs.fields(struct)
    }

    assert told.keys() == keys.keys()
    for key, field in keys.items():
        if field.required:
            assert told[key] == "needed", key
        elif key not in ("data", "portfolio", "portfolios"):
            plain = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
            assert yaml.safe_load(told[key].strip("`")) == plain, key


def bounds(kind):
    """Return the words for the range of a type: the first that has one, or the words that it may be."""
    signs = {"gt": "> ", "ge": "≥ ", "lt": "< ", "le": "≤ "}
    for part in get_args(kind):
        if isinstance(part, msgspec.Meta) and not part.title:
            told = ((sign, getattr(part, name)) for name, sign in signs.items())
            return [f"{sign}{value:.10g}".replace("e+", "e") for sign, value in told if value is not None]
    if get_origin(kind) is Literal:
        return [f"`{word}`" for word in get_args(kind)]
    inner = [] if get_origin(kind) is dict else get_args(kind)[: 1 if get_origin(kind) is Annotated else None]
    return next(filter(None, map(bounds, inner)), [])


@pytest.mark.parametrize("term", TERMS.values(), ids=lambda term: term.name)
def test_the_row_of_a_term_says_what_its_declaration_says(term):
    field = {field.name: field for field in msgspec.structs.fields(PortfolioConfig)}[term.name]
    default = "null" if field.default is None else field.default
    unit = (
        term.unit
        if term.name == "rebalance"
        else ", ".join([*filter(None, [term.unit]), *bounds(field.type)])
    )
    row = f"| `portfolio.{term.name}` | `{default}` | {unit} | {term.words} |"

    assert row in page("configuration").splitlines(), row


def test_the_rows_of_terms_stand_under_their_headings():
    told = [words(cells[0])[0].removeprefix("portfolio.") for cells in rows("configuration", "key")]

    assert [name for name in told if name in TERMS and name != "start"] == [n for n in TERMS if n != "start"]


def operators():
    functions = {name: getattr(stage, name) for name in stage.__all__}
    return {name: f for name, f in functions.items() if inspect.isfunction(f)}


def test_every_operator_is_there_as_it_is_called():
    told = [words(cells[0])[0] for cells in rows("strategies", "operator")]
    there = [f"{name}({', '.join(signature(f).parameters)})" for name, f in operators().items()]

    assert sorted(told) == sorted(there)


@pytest.mark.parametrize("cells", rows("strategies", "operator"), ids=lambda cells: cells[0])
def test_an_operator_speaks_first_where_the_table_says(cells):
    n = 20
    called = words(cells[0])[0].partition("(")[0]
    given = {"n": n, "period": month, "high": high, "low": low, "start": "first"}
    given |= {"instrument": "SPY", "begins": "18:00", "ends": "16:00", "name": "close"}
    if called == "hysteresis":
        given |= {"low": 1.0, "high": 2.0}
    function = operators()[called]

    node = function(*(given.get(name, stage.close) for name in signature(function).parameters))

    assert warm_up(node) == {"n": n, "n + 1": n + 1}.get(cells[2]) or int(cells[2])


def test_every_word_for_strategies_is_on_their_page():
    assert [name for name in stage.__all__ if f"`{name}" not in page("strategies")] == []


def test_every_strategy_that_ships_is_there_with_its_parameters():
    told = {words(cells[0])[0]: cells for cells in rows("strategies", "name")}
    there = known("strategy")

    assert told.keys() == there.keys()
    for name, plugin in there.items():
        assert words(told[name][1]) == [f"{p.name}={p.default!r}" for p in plugin.parameters.values()]
        assert told[name][2] == plugin.doc


def test_every_source_and_its_parameters_are_there():
    sources = [words(cells[0])[0] for cells in rows("data", "source")]
    told = {words(cells[0])[0] for cells in rows("data", "parameter")}
    there = {name: parameters(find("source", name)) for name in known("source")}

    assert [name for name in there if name not in sources] == []
    assert told == {parameter for takes in there.values() for parameter in takes}


def formula(measure):
    without_bars = re.sub(r"\|([^|]+)\|", r"abs(\1)", measure.formula)  # a bar would end the cell
    return f"`{without_bars}`"


def test_every_measure_is_there_as_it_is_defined():
    told = {words(cells[0])[0]: cells for cells in rows("measures", "measure")}

    assert list(told) == list(RANKED)
    for name in RANKED:
        measure = MEASURES[name]
        best = "lowest" if measure.lower else "highest"
        assert told[name][1:] == [measure.title, measure.words, formula(measure), best]


def test_every_statistic_of_one_portfolio_is_there_as_it_is_defined():
    told = {words(cells[0])[0]: cells for cells in rows("measures", "statistic")}

    assert list(told) == [name for name in MEASURES if name not in RANKED]
    assert {n: cells[1:] for n, cells in told.items()} == {
        n: [MEASURES[n].title, MEASURES[n].words, formula(MEASURES[n])] for n in told
    }


def test_every_source_of_a_measure_is_quoted():
    text = " ".join(page("measures").split())

    assert [m.title for m in MEASURES.values() if f"{m.title}: {m.source}." not in text and m.source] == []
    assert [name for name, what, source in SKILL_OR_LUCK if f"**{name}.** {what} {source}." not in text] == []


def test_every_name_of_a_door_is_in_the_reference():
    text = page("python") + page("strategies")
    doors = (flotilla, research, stage, testing)
    names = [name for door in doors for name in door.__all__ if not name.startswith("__")]

    assert [name for name in names if f"`{name}" not in text and f"### {name}\n" not in text] == []


def test_the_doors_are_sorted_and_say_what_they_open():
    for door in (research, stage, testing):
        assert door.__all__ == sorted(door.__all__), door.__name__
        named = [getattr(door, name) for name in door.__all__]
        assert [thing for thing in named if not isinstance(thing, Node) and not inspect.getdoc(thing)] == []


@pytest.mark.parametrize("cells", rows("python", "name"), ids=lambda cells: cells[0])
def test_a_function_is_called_as_the_reference_says(cells):
    name, _, taken = words(cells[0])[0].rstrip(")").partition("(")

    there = [str(p).partition(":")[0] for p in signature(getattr(research, name)).parameters.values()]
    listed = [word.strip() for word in taken.split(",")]

    assert [word for word in listed if word != "*"] == there


def test_figures_are_called_as_the_reference_says():
    for function in (plot.plot_run, plot.plot_sweep):
        assert f"`{function.__name__}({', '.join(signature(function).parameters)})`" in page("python")


@pytest.mark.parametrize("result", [research.RunResult, research.SweepResult], ids=lambda kind: kind.__name__)
def test_everything_that_a_result_has_is_in_the_reference(result):
    section = page("python").partition(f"### {result.__name__}\n")[2].partition("\n### ")[0]
    has = {*result.__dataclass_fields__, *(name for name in dir(result) if not name.startswith("_"))}

    firsts = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("|")]
    told = {word.partition("(")[0] for first in firsts for word in words(first)}

    assert told == has


def test_the_records_have_the_fields_that_the_reference_lists():
    told = {words(cells[0])[0]: words(cells[1]) for cells in rows("python", "record")}

    assert told == {kind.__name__: list(kind.__struct_fields__) for kind in (Order, Fill)}


def test_every_parameter_of_a_strategy_that_ships_has_a_type_and_a_default():
    loose = [
        f"{name}.{p.name}"
        for name, plugin in known("strategy").items()
        for p in plugin.parameters.values()
        if p.required or p.annotation not in (int, float, bool, str)
    ]

    assert loose == []


def test_the_errors_are_imported_without_what_computes():
    code = "import sys, flotilla; sys.exit(bool({'numpy', 'numba', 'polars', 'pyarrow'} & {*sys.modules}))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
