"""What is taken of memory is said before it is taken."""

import numpy as np
import pytest

from flotilla.config import decode
from flotilla.errors import ConfigError
from flotilla.portfolio.memory import bytes_of, check_room
from flotilla.research import sweep
from flotilla.research.grid import table_bytes
from flotilla.testing import made_market

FREE = "flotilla.portfolio.memory.available"


def study(last=9):
    return decode(
        {
            "name": "many",
            "strategies": {"cross": {"kind": "ma_cross", "params": {"slow": 20}}},
            "sweep": {"cross.fast": {"from": 2, "to": last}, "portfolio.fee_bps": [0, 10]},
        }
    )


def test_an_array_counts_once_and_a_repeated_row_as_one():
    rows = np.zeros((5, 3))

    assert bytes_of([rows, rows, rows[:]]) == 5 * 3 * 8
    assert bytes_of([rows, rows[:2]]) == 5 * 3 * 8 + 2 * 3 * 8
    assert bytes_of([np.broadcast_to(np.ones(3), (1000, 3))]) == 3 * 8
    assert bytes_of([np.broadcast_to(np.ones((1000, 1)), (1000, 3))]) == 1000 * 8


def test_what_does_not_fit_is_refused_with_what_it_needs_what_there_is_and_what_to_do(monkeypatch):
    monkeypatch.setattr(FREE, lambda: 1_500_000_000)

    check_room(1_500_000_000, "it")
    with pytest.raises(ConfigError) as raised:
        check_room(1_600_000_000, "it")

    assert str(raised.value) == (
        "it takes 1.6 GB of memory, and 1.5 GB are free: "
        "take fewer portfolios, fewer instruments or a shorter period"
    )


@pytest.mark.parametrize(
    ("free", "said"),
    [
        (1_000, r"a table of 16 portfolios takes 0 MB of memory, and 0 MB are free: sweep parts of it"),
        (10_000, r"to mark 200 bars takes 0 MB of memory, .*: take fewer instruments or a shorter period"),
        (50_000, r"16 portfolios on 4 instruments takes \d MB of memory, .*: take fewer portfolios, fewer"),
    ],
)
def test_a_sweep_that_does_not_fit_is_refused_before_it_begins(free, said, monkeypatch):
    monkeypatch.setattr(FREE, lambda: free)

    with pytest.raises(ConfigError, match=said):
        sweep(study(), panel=made_market(bars=200, instruments=4))


def test_a_table_that_does_not_fit_is_refused_before_its_grid_is_made(monkeypatch):
    def indices(*_):
        raise AssertionError("the grid was made")

    monkeypatch.setattr("numpy.indices", indices)
    monkeypatch.setattr(FREE, lambda: 100_000_000)

    with pytest.raises(ConfigError, match=r"a table of 1,999,998 portfolios takes 672 MB of memory"):
        sweep(study(1_000_000), panel=made_market(bars=20, instruments=1))


def test_what_is_predicted_has_the_bars_the_marks_the_books_and_the_table():
    panel = made_market(bars=4_000, instruments=20)
    fields, marks = len(panel.fields) * 4_000 * 20 * 8, 2 * 4_000 * 20 * 8

    result = sweep(study(), panel=panel)

    assert fields + marks + table_bytes(16, 2) < result.bytes < 2 * (fields + marks) + 40_000_000
