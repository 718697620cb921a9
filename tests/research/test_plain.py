"""What people type, as a file would hold it."""

from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from flotilla.errors import ConfigError
from flotilla.research import configure
from flotilla.research.plain import columns_of, key_of, plain, values_of
from flotilla.stage import Node, close, sma

DAY = date(2018, 1, 1)


def above(n: int = 5) -> Node:
    return close > sma(close, n)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.array(3), 3),
        (range(3), [0, 1, 2]),
        (np.arange(2), [0, 1]),
        (pd.Index([1, 2]), [1, 2]),
        (pd.Series([1.5, 2.5]), [1.5, 2.5]),
        (pl.Series([1, 2]), [1, 2]),
        ((1, np.int8(2)), [1, 2]),
        ({"n": np.int64(3)}, {"n": 3}),
        (pd.Timestamp("2018-01-01"), DAY),
        (pd.Timestamp("2018-01-01", tz="America/New_York"), DAY),
        (np.datetime64("2018-01-01"), DAY),
        (np.datetime64("2018-01-01T00:00:00", "ns"), DAY),
        (datetime(2018, 1, 1), DAY),  # noqa: DTZ001  # a day has no zone
        (DAY, DAY),
        (pd.date_range("2018-01-01", periods=1), [DAY]),
        (Path("a/b"), "a/b"),
        (None, None),
        (close, close),
    ],
    ids=lambda value: f"{type(value).__module__}.{type(value).__name__} {value}"[:40].replace("\n", " "),
)
def test_numbers_days_and_lists_are_pythons_own(typed, kept):
    found = plain(typed)

    assert found is kept if kept is close else found == kept
    assert type(found) is type(kept)


def test_a_time_of_the_day_is_no_day():
    with pytest.raises(
        ConfigError, match="2018-01-01 09:30:00 is a time of the day; give its day, as 2018-01-01"
    ):
        plain(pd.Timestamp("2018-01-01 09:30"))


def test_an_axis_is_a_list_of_values_or_steps():
    assert values_of("n", np.linspace(60, 200, 3)) == [60.0, 130.0, 200.0]
    assert values_of("n", {"from": np.int64(1), "to": 3}) == {"from": 1, "to": 3}
    with pytest.raises(ConfigError, match="sweep of 'n' needs a list of values, it is 'abc'"):
        values_of("n", "abc")


def test_a_key_without_an_owner_is_of_whoever_takes_it():
    one, two = configure(above), configure({"x": above, "y": above})

    assert [key_of(key, one) for key in ("n", "fee_bps", "a.b", "nn")] == [
        "strategy.n",
        "portfolio.fee_bps",
        "a.b",
        "strategy.nn",
    ]
    assert key_of("fee_bp", one) == "portfolio.fee_bp"  # whoever has fee_bps says which name was meant
    with pytest.raises(ConfigError, match=r"sweep of 'n': say which: x.n or y.n"):
        key_of("n", two)


@pytest.mark.parametrize(
    "portfolios",
    [
        {"n": np.array([3, 4]), "fee_bps": (0, 5)},
        [{"n": 3, "fee_bps": 0}, {"fee_bps": 5, "n": np.int64(4)}],
        pd.DataFrame({"n": [3, 4], "fee_bps": [0, 5]}),
        pl.DataFrame(
            {"portfolio": [7, 9], "strategy.n": [3, 4], "portfolio.fee_bps": [0, 5], "sharpe": [1.0, 0.5]}
        ),
    ],
    ids=["columns", "dicts", "pandas", "polars, of another sweep"],
)
def test_a_list_of_portfolios_is_taken_in_any_form(portfolios):
    assert columns_of(portfolios, configure(above), None) == {
        "strategy.n": [3, 4],
        "portfolio.fee_bps": [0, 5],
    }


@pytest.mark.parametrize(
    ("portfolios", "said"),
    [
        ([{"n": 3}, {"m": 4}], r"portfolios\[1\] is {'m': 4}: all need the same keys; the first has n"),
        ([3], r"portfolios\[0\] is 3"),
        (3, "portfolios should be a list of dicts, or keys and values; it is 3"),
        ({"n": 3}, "sweep of 'n' needs a list of values, it is 3"),
    ],
)
def test_what_is_no_list_of_portfolios_is_told(portfolios, said):
    with pytest.raises(ConfigError, match=said):
        columns_of(portfolios, configure(above), None)
