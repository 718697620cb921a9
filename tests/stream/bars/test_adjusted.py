import numpy as np

from flotilla.stream.bars.adjusted import ADJUSTED_CLOSE, adjusted, unread


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
