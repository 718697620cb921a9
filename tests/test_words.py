import numpy as np
import pytest

from flotilla.words import counted, cut, lasting

DAY = 86_400_000_000_000


def test_one_is_not_several():
    assert [counted(n, "bar") for n in (0, 1, 2, 12345)] == ["0 bars", "1 bar", "2 bars", "12,345 bars"]
    assert [counted(n, "entry", "entries") for n in (1, 3)] == ["1 entry", "3 entries"]


@pytest.mark.parametrize(
    ("ns", "words"),
    [
        (0, "0 seconds"),
        (500_000_000, "0.5 seconds"),
        (1_000_000_000, "1 second"),
        (60_000_000_000, "1 minute"),
        (150_000_000_000, "2.5 minutes"),
        (3_600_000_000_000, "1 hour"),
        (DAY, "1 day"),
        (4 * DAY, "4 days"),
        (730 * DAY, "730 days"),
        (2774.3 * DAY, "7.6 years"),
    ],
)
def test_a_while_is_told_in_the_largest_unit_that_it_fills(ns, words):
    assert lasting(ns) == words


def test_a_value_is_told_whole_or_by_its_beginning_and_its_length():
    assert cut("NO") == "'NO'"
    assert cut({"a": 1}) == "{'a': 1}"
    assert cut("x" * 1_600_000) == f"'{'x' * 80}' ... (1,600,000 characters)"
    assert len(cut(list(range(100_000)))) < 120


def test_a_table_is_told_in_a_line():
    assert cut(np.ones((3000, 2))) == "an array of 3,000 by 2"
    assert cut("a\nb") == "'a\\nb'"
