"""What the operators say, against pandas, TA-Lib and the exact signal of whole ticks."""

import numpy as np
import pandas as pd
import pytest
import talib

from flotilla.builtin.sources.sample import Sample
from flotilla.errors import ConfigError
from flotilla.stage import operators as of
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import Column, close, high, low, volume
from flotilla.stage.plan import placed
from flotilla.testing import made_market

NAN = np.nan


@pytest.fixture(scope="module")
def panel():
    return made_market(bars=600, gaps=False)


@pytest.fixture(scope="module")
def gappy():
    return made_market(bars=600)


def say(panel, *roots):
    """Return what each root says: float64[T, I, roots]."""
    return ChunkRunner(list(roots), panel.shape[1], panel.ticks_per_unit).advance(panel.fields)


def one(panel, root):
    return say(panel, root)[:, :, 0]


PANDAS = {
    "delay": (lambda n: of.delay(close, n), lambda x, n: x.shift(n)),
    "returns": (lambda n: of.returns(close, n), lambda x, n: x.pct_change(n, fill_method=None)),
    "rolling_sum": (lambda n: of.rolling_sum(close, n), lambda x, n: x.rolling(n).sum()),
    "sma": (lambda n: of.sma(close, n), lambda x, n: x.rolling(n).mean()),
    "std": (lambda n: of.std(close, n), lambda x, n: x.rolling(n).std()),
    "rolling_min": (lambda n: of.rolling_min(close, n), lambda x, n: x.rolling(n).min()),
    "rolling_max": (lambda n: of.rolling_max(close, n), lambda x, n: x.rolling(n).max()),
    "ema": (
        lambda n: of.ema(close, n),
        lambda x, n: x.ewm(span=n, adjust=False, min_periods=n, ignore_na=True).mean().ffill(),
    ),
    "ffill": (lambda _: of.ffill(close), lambda x, _: x.ffill()),
}


@pytest.mark.parametrize("name", PANDAS)
@pytest.mark.parametrize("n", [2, 5, 60])
def test_values_are_those_of_pandas_with_gaps_and_late_listings(gappy, name, n):
    ours, theirs = PANDAS[name]

    said, expected = one(gappy, ours(n)), theirs(pd.DataFrame(gappy.fields["close"]), n)

    np.testing.assert_allclose(said, expected, rtol=1e-11, atol=1e-11)


TALIB = {
    "sma": (of.sma, talib.SMA),
    "rolling_min": (of.rolling_min, talib.MIN),
    "rolling_max": (of.rolling_max, talib.MAX),
    "rsi": (of.rsi, talib.RSI),
    "std": (lambda x, n: of.std(x, n) * np.sqrt((n - 1) / n), talib.STDDEV),  # theirs is of a population
}


@pytest.mark.parametrize("name", TALIB)
@pytest.mark.parametrize("n", [2, 14, 60])
def test_values_are_those_of_talib(panel, name, n):
    ours, theirs = TALIB[name]
    said = one(panel, ours(close, n))

    expected = np.stack([theirs(x.copy(), n) for x in panel.fields["close"].T], axis=1)
    np.testing.assert_allclose(said, expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("n", [2, 14, 60])
def test_an_exponential_average_comes_to_that_of_talib(panel, n):
    said = one(panel, of.ema(close, n))

    # Theirs begins with a mean of n values, which is forgotten in the end.
    expected = [talib.EMA(x.copy(), n)[-1] for x in panel.fields["close"].T]
    np.testing.assert_allclose(said[-1], expected, rtol=1e-8)


@pytest.mark.parametrize("n", [1, 2, 14, 60])
def test_an_exponential_average_that_starts_from_a_mean_is_that_of_talib_from_its_first_row(panel, n):
    said = one(panel, of.ema(close, n, start="mean"))

    known = panel.fields["close"].T
    expected = np.stack([talib.EMA(x.copy(), n) if n > 1 else x for x in known], axis=1)
    np.testing.assert_allclose(said, expected, rtol=1e-12)
    assert not n > 1 or not np.allclose(one(panel, of.ema(close, n))[n - 1], said[n - 1], rtol=1e-9)


def test_the_average_true_range_is_that_of_talib(panel):
    said = one(panel, of.atr(high, low, close, 14))

    columns = zip(*(panel.fields[name].T.copy() for name in ("high", "low", "close")), strict=True)
    np.testing.assert_allclose(said, np.stack([talib.ATR(*c, 14) for c in columns], axis=1), rtol=1e-12)


def test_the_average_true_range_of_closes_alone_is_refused(panel):
    runner = ChunkRunner([of.atr(high, low, close)], panel.shape[1], panel.ticks_per_unit)

    with pytest.raises(ConfigError, match="no high"):
        runner.advance({"close": panel.fields["close"]})


def test_strength_is_50_where_nothing_moves(panel):
    still = {"close": np.full((20, panel.shape[1]), 7.0)}

    said = ChunkRunner([of.rsi(close, 5)], panel.shape[1], panel.ticks_per_unit).advance(still)

    assert np.all(said[5:] == 50.0)


def test_hysteresis_is_a_latch_on_two_levels(gappy):
    strength = of.rsi(close, 5)

    a, b = of.hysteresis(strength, 30, 60), of.latch(strength < 30, strength > 60)

    said = say(gappy, a, b)
    np.testing.assert_array_equal(said[:, :, 0], said[:, :, 1])
    assert {0.0, 1.0} <= set(said[~np.isnan(said)])


def test_crossovers_of_decimal_prices_are_those_of_whole_ticks_in_every_one_of_1000_pairs():
    # Fast is above slow if slow * sum(fast) > fast * sum(slow), in integers. Many a pair is equal once.
    panel = Sample().panel()
    mills = np.rint(panel.fields["close"] * 1000).astype(np.int64)
    fasts, slows = [2, *range(4, 51, 2)], list(range(60, 256, 5))

    averages = say(panel, *(of.sma(close, n) for n in (*fasts, *slows)))
    averages = np.moveaxis(averages, -1, 0).copy()

    sums = np.concatenate([np.zeros((1, mills.shape[1]), np.int64), mills.cumsum(axis=0)])
    total = {n: sums[n:] - sums[:-n] for n in (*fasts, *slows)}
    ties = 0
    for f, fast in enumerate(fasts):
        for s, slow in enumerate(slows, len(fasts)):
            left, right = slow * total[fast][slow - fast :], fast * total[slow]
            assert np.array_equal(averages[f, slow - 1 :] > averages[s, slow - 1 :], left > right)
            assert np.isnan(averages[s, : slow - 1]).all()
            ties += (left == right).any()
    assert ties == 252


def test_a_window_is_a_whole_number_of_rows():
    for n in (0, -1, 2.5, True, "10", NAN):
        with pytest.raises(ConfigError, match="sma looks back"):
            of.sma(close, n)
    with pytest.raises(ConfigError, match="at least 2, not over 1"):
        of.std(close, 1)
    with pytest.raises(ConfigError, match="not over 0"):
        of.sma(close, Column(np.array([3, 0, 5])))


def test_equal_parameters_make_the_same_node_whatever_their_type():
    assert of.sma(close, 5) is of.sma(close, np.int64(5)) is of.sma(close, 5.0)
    assert of.hysteresis(close, 1, 2) is of.hysteresis(close, 1.0, np.float64(2))


def test_a_swept_level_is_a_number():
    with pytest.raises(ConfigError, match="needs a number"):
        of.hysteresis(close, "low", 2.0)
    with pytest.raises(ConfigError, match="needs a number"):
        of.hysteresis(close, NAN, 2.0)


def test_sums_of_volumes_are_not_counted_in_ticks_of_the_price():
    fields = {"close": np.ones((3, 1)), "volume": np.array([[0.5], [0.25], [0.001]])}

    said = ChunkRunner([of.rolling_sum(volume, 2)], 1, np.array([1.0])).advance(fields)

    np.testing.assert_array_equal(said[:, 0, 0], [NAN, 0.75, 0.251])


def test_extremes_of_prices_are_still_prices_in_ticks(panel):
    # 0.1 * 3 is not 0.3 in floats, so a sum of tenths of them would show if ticks were not kept.
    lows = of.rolling_sum(of.rolling_min(close, 3), 10)

    said = one(panel, lows)[20:]

    assert np.array_equal(said, np.rint(said * 100) / 100)


def test_conditions_choose_and_what_is_not_known_chooses_nothing():
    fields = {"close": np.array([[1.0], [NAN], [3.0]])}
    runner = ChunkRunner(
        [of.where(close > 2, 10, -10), of.notna(close), of.equal(close, 3), of.not_equal(close, 3)],
        1,
        np.zeros(1),
    )

    said = runner.advance(fields)[:, 0]

    np.testing.assert_array_equal(said.T, [[-10, NAN, 10], [1, 0, 1], [0, NAN, 1], [1, NAN, 0]])


def test_one_instrument_is_that_one_for_all(panel):
    spread = of.sma(close, 5) / of.of(panel.instruments[1], of.sma(close, 5))

    said = one(panel, *placed([spread], panel.instruments))

    alone = one(panel, of.sma(close, 5))
    np.testing.assert_array_equal(said, alone / alone[:, [1]])


def test_instruments_can_be_given_a_weight_each(panel):
    first, second, *rest = panel.instruments

    said = one(panel, *placed([0.6 * of.named(first) + 0.4 * of.named(second)], panel.instruments))

    assert (said == [0.6, 0.4, *[0.0] * len(rest)]).all()


def test_what_nobody_placed_is_not_guessed(panel):
    with pytest.raises(ConfigError, match="nobody said which column SPY is"):
        one(panel, of.of("SPY", close))


def test_a_score_of_huge_values_is_not_known_and_not_a_calm_zero():
    x = np.array([[1e149, 2e149, 3e149, 1e200], [1.0, 2.0, 3.0, np.inf]])
    runner = ChunkRunner([of.zscore(close), of.demean(close)], 4, np.zeros(4))

    said = runner.advance({"close": x})

    np.testing.assert_allclose(said[:, :, 0], [[-1, 0, 1, np.nan]] * 2, rtol=1e-15)
    np.testing.assert_allclose(said[:, :, 1], [[-1e149, 0, 1e149, np.nan], [-1, 0, 1, np.nan]], rtol=1e-15)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: of.sma(20), r"sma\(x, n\) needs x first, what it is of: sma\(close, 20\)"),
        (lambda: of.sma(close), r"sma\(x, n\) needs n, the number of rows: sma\(close, 20\)"),
        (of.sma, r"sma\(x, n\) needs x and n"),
        (lambda: of.rsi(14), r"rsi\(x, n\) needs x first, what it is of: rsi\(close, 14\)"),
        (lambda: of.returns(20), r"returns\(close, 20\)"),
        (lambda: of.sma(20, close), r"not over close; the rows come last, sma\(x, 20\)"),
        (lambda: of.sma(close, window=5), r"sma\(x, n\) takes no 'window'"),
        (lambda: of.sma("close", 5), "close is a word, without quotes"),
        (lambda: of.atr(14), r"atr\(high, low, close, n\) needs low and close"),
        (lambda: of.where(close > 1, 1), "needs b"),
        (lambda: of.maximum(close, high, low), r"takes 2, and was given 3: maximum\(a, maximum\(b, c\)\)"),
    ],
)
def test_a_word_that_is_called_wrongly_says_what_is_missing(wrong, told):
    with pytest.raises(ConfigError, match=told):
        wrong()
