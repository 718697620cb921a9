import doctest

from hypothesis import given
from hypothesis import strategies as st

from flotilla.research.report import markup
from flotilla.research.report.markup import Markup, join, tag


def test_the_examples_in_the_docstrings_are_right():
    assert doctest.testmod(markup).failed == 0


def test_text_is_escaped_and_markup_is_not():
    assert tag("p", "<b>&", tag("b", "x")) == "<p>&lt;b&gt;&amp;<b>x</b></p>"


def test_an_attribute_cannot_be_left():
    assert tag("i", title='" onclick="evil()') == '<i title="&quot; onclick=&quot;evil()"></i>'


def test_attributes_that_say_no_are_left_out():
    assert tag("input", checked=True, hidden=False, name=None) == "<input checked>"


def test_what_is_joined_is_escaped_once():
    assert join(["<", Markup("<hr>"), None]) == "&lt;<hr>"


@given(st.text())
def test_no_text_opens_an_element(words):
    inside = tag("p", words, title=words).removeprefix("<p ").removesuffix("</p>")

    assert "<" not in inside
