import numpy as np
import pytest

from flotilla.stream.bars.adjusted import (
    ADJUSTED_CLOSE,
    adjusted,
    is_adjusted_close,
    speaks_of_it,
    unknown,
    unread,
)


def test_the_adjusted_close_scales_the_other_prices():
    fields = {
        "open": np.array([[8.0]]),
        "high": np.array([[12.0]]),
        "low": np.array([[6.0]]),
        "close": np.array([[10.0]]),
        "volume": np.array([[7.0]]),
        ADJUSTED_CLOSE: np.array([[5.0]]),
    }

    out = {name: values.item() for name, values in adjusted(fields).items()}

    assert out == {"open": 4.0, "high": 6.0, "low": 3.0, "close": 5.0, "volume": 7.0}


def test_without_one_the_prices_are_as_they_were():
    close = np.array([[10.0, np.nan]])

    assert adjusted({"close": close}) == {"close": close}


def test_what_is_not_read_is_told_with_both_answers():
    assert "adjusted: true to take it, or adjusted: false" in unread("x", "Close", "Adj Close")


@pytest.mark.parametrize(
    "name",
    ["Adj Close", "closeadj", "close_adj", "close_adjusted", "adj_price", "AdjPrice", "Adjusted",
     "AdjustedPrice", "adj", "adjClose", "Adj. Close", "5. adjusted close"],
)  # fmt: skip
def test_an_adjusted_close_is_known_by_any_of_its_names(name):
    assert is_adjusted_close(name)


def test_other_columns_that_speak_of_an_adjustment_are_no_close():
    assert [is_adjusted_close(name) for name in ("close", "adjOpen", "adj_factor", "closeunadj")] == [
        False
    ] * 4
    assert [speaks_of_it(name) for name in ("adj_factor", "closeunadj", "nonadjusted", "KO")] == [
        True,
        False,
        False,
        False,
    ]
    assert "if it is the adjusted close, say columns: {adjusted: NAME}" in unknown("x", "close", ["adj_x"])
