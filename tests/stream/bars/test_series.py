import numpy as np
import pandas as pd
import pytest

from flotilla.stream.bars.series.jumps import (
    is_coarse,
    jumps,
    long_wicks,
    spikes,
    steps_of,
    usual,
    words,
)
from flotilla.stream.bars.series.remarks import series_remarks
from flotilla.stream.bars.series.stale import StaleRun, runs, stale

DAY = 86_400_000_000_000
MONDAY = 19_723 + 7  # 2024-01-08, days since 1970
MINUTE = 60_000_000_000


def walk(bars, seed=0, step=0.01):
    """Return closes that move by about 1 % a bar."""
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, step, bars)))


def weekdays(bars):
    days = np.arange(bars * 2) + MONDAY
    return days[(days + 3) % 7 < 5][:bars].astype(np.int64) * DAY


def told(close, names=("A",), ts=None, step=DAY, **fields):
    close = np.atleast_2d(np.asarray(close, np.float64).T).T
    ts = weekdays(len(close)) if ts is None else ts
    columns = {name: np.atleast_2d(np.asarray(values, np.float64).T).T for name, values in fields.items()}
    return series_remarks(ts, step, names, {"close": close, **columns})


def test_a_split_is_told_by_its_ratio_on_both_sides():
    close = walk(200)
    for ratio, kind in ((7.0, "a split, 7-for-1"), (1 / 8, "a reverse split, 1-for-8")):
        after = close.copy()
        after[100:] /= ratio

        (jump,) = jumps(after)

        assert (jump.at, jump.kind, jump.of) == (100, "split", max(ratio, 1 / ratio))
        assert kind in words(jump, "A", "2024-06-03")


def test_the_volume_beside_a_jump_is_told():
    close, volume = walk(50), np.full(50, 100.0)
    close[20:] /= 2
    volume[20] = 250

    (jump,) = jumps(close)

    assert words(jump, "A", "2024-06-03", volume).startswith("A goes to ")
    assert ", with 2.5 times the volume: looks like a split, 2-for-1" in words(
        jump, "A", "2024-06-03", volume
    )


def test_a_bad_day_is_no_split():
    close = walk(200)
    close[100:] *= 0.44  # as a company that disappoints

    (jump,) = jumps(close)

    assert jump.kind == "other"
    assert told(close) == ()  # large, and no more than that


def test_a_price_in_cents_is_another_scale():
    close = walk(200)
    close[100:] *= 100

    (jump,) = jumps(close)

    assert (jump.kind, jump.of) == ("scale", 100.0)


def test_a_price_of_a_few_ticks_moves_in_splits_and_says_nothing():
    close = np.tile([1.0, 2.0, 3.0, 2.0], 100)

    assert is_coarse(close, 200)
    assert [jump for jump in jumps(close) if jump.kind == "split"] == []
    assert told(close) == ()


def test_a_spike_is_a_bar_that_its_neighbours_know_nothing_of():
    close = walk(100)
    close[40] *= 10

    assert np.flatnonzero(spikes(close)).tolist() == [40]
    assert jumps(close) == []
    assert told(close) == (
        f"A rises to {close[40] / close[39]:,.3g} times its close on 2024-03-04, "
        "and is back in the next bar: a wrong price",
    )


def test_a_low_far_below_all_closes_is_a_bad_print():
    close = walk(100)
    low = close * 0.995
    low[30] /= 100

    assert np.flatnonzero(long_wicks(low, close)).tolist() == [30]


def test_what_is_large_is_measured_by_the_price_itself():
    assert usual(np.array([1.0, 1.0, 1.0])) == 0.0
    assert steps_of(np.array([1.0, 1.0])).least == 0.2
    assert steps_of(walk(500, step=0.05)).least == pytest.approx(15 * usual(walk(500, step=0.05)))


def test_a_stretch_is_stale_where_nobody_trades_and_nothing_moves():
    close, volume = walk(60), np.full(60, 100.0)
    close[20:32], volume[20:32] = close[20], 0.0
    bars = {"open": close, "high": close, "low": close, "close": close, "volume": volume}

    assert stale(bars) == [StaleRun(20, 31)]
    assert stale({**bars, "high": close + 0.01}) == []  # something moves
    assert stale({"close": close[:28]}) == []  # eight are not ten


def test_the_same_bar_with_its_volume_again_and_again_is_stale_sooner():
    close, volume = walk(60), np.arange(60.0) + 1
    close[20:25], volume[20:25] = close[20], volume[20]

    assert stale({"close": close, "volume": volume}) == [StaleRun(20, 24)]


def test_runs_count_the_bar_that_is_repeated():
    same = np.array([False, True, True, False, True])

    assert runs(same, 3) == [StaleRun(0, 2)]
    assert runs(same, 2) == [StaleRun(0, 2), StaleRun(3, 4)]
    assert StaleRun(3, 4).length == 2


def test_a_split_is_remarked_without_being_asked_for():
    close = walk(100)
    close[50:] /= 8

    (said,) = told(close)

    assert said.startswith("A goes to 12.")
    assert said.endswith("% of its close on 2024-03-18: looks like a split, 8-for-1, that was not applied")


def test_a_feed_that_stands_still_is_remarked_with_its_longest_stretch():
    close = walk(100)
    close[20:35] = close[20]
    close[60:72] = close[60]

    (said,) = told(close)

    assert said == (
        f"A stands at {close[20]:g} for 15 bars, 2024-02-05 to 2024-02-23, and 1 time more: "
        "a feed that stood still"
    )


def test_two_weeks_without_a_bar_are_remarked_of_all_and_of_one():
    two = np.column_stack([walk(100), walk(100, 1)])
    two[30:45, 1] = np.nan
    ts = weekdays(112)
    ts = np.delete(ts, np.arange(60, 72))

    assert told(two, ("A", "B"), ts) == (
        "there is no bar between 2024-03-29 and 2024-04-17, 12 weekdays",
        "B has no close from 2024-02-19 to 2024-03-08, 15 bars",
    )


def test_holidays_and_nights_are_no_holes():
    close = walk(300)

    assert told(close) == ()
    assert told(close, ts=np.arange(300) * MINUTE + MONDAY * DAY, step=MINUTE) == ()
    assert told(close, ts=(np.arange(300) + MONDAY) * DAY) == ()


def dates(freq, periods, start="1962-01-01"):
    return pd.date_range(start, periods=periods, freq=freq).to_numpy("datetime64[ns]").astype(np.int64)


@pytest.mark.parametrize("freq", ["BME", "ME", "QE", "YE", "W-FRI"])
def test_bars_of_months_and_weeks_have_holes_where_one_is_missing(freq):
    ts = dates(freq, 60)

    assert told(walk(60), ts=ts) == ()
    (remark,) = told(walk(59), ts=np.delete(ts, 30))
    assert remark.startswith(f"there is no bar between {str(ts[29].astype('M8[ns]'))[:10]} and ")
    assert " days, where bars are " in remark


def test_months_told_by_two_dates_in_turn_are_months():
    ts = np.union1d(dates("MS", 40), dates("ME", 40))

    assert not any("no bar between" in remark for remark in told(walk(80), ts=ts))


@pytest.mark.parametrize(
    ("freq", "name"), [("MS", "month"), ("BMS", "month"), ("W-MON", "week"), ("QS", "quarter")]
)
def test_dates_at_the_beginning_of_what_a_bar_covers_are_told_as_a_look_ahead(freq, name):
    (remark,) = told(walk(60), ts=dates(freq, 60))

    assert remark == (
        f"bars are {name}s apart, and each is taken as known a day after its date; but all are dated as "
        f"a {name} begins: if each holds what came after, decisions look ahead by a {name}: "
        "date each bar by the last day of what it covers"
    )


def test_dates_that_may_be_the_first_or_the_last_are_told_too():
    (remark,) = told(walk(60), ts=dates("W-SUN", 60))

    assert remark.startswith(
        "bars are weeks apart, and each is taken as known a day after its date: if that is"
    )


def test_an_empty_time_and_one_of_the_future_are_remarked():
    ts = weekdays(60)
    ts[0], ts[-1] = 0, (np.datetime64("2099-01-05", "D").astype(np.int64)) * DAY

    first, last, *_ = told(walk(60), ts=ts)

    assert (
        first == "the first bar is of 1970-01-01, and the next of 2024-01-09: an empty time becomes that day"
    )
    assert last == "the last bar is of 2099-01-05, which is in the future"


def test_of_many_jumps_the_largest_are_told_and_the_rest_counted():
    names = tuple(f"I{n}" for n in range(6))
    close = np.column_stack([walk(100, n) for n in range(6)])
    close[50:] /= np.array([2, 3, 4, 5, 7, 10])

    said = told(close, names)

    assert [each.split()[0] for each in said] == ["I5", "I4", "I3", "and"]
    assert said[3] == "and 3 more such jumps: see `flotilla data check`"


def test_no_bars_have_no_remarks():
    assert series_remarks(np.array([], np.int64), DAY, (), {"close": np.empty((0, 0))}) == ()
    assert told([100.0]) == ()


def test_a_price_after_a_long_pause_is_no_jump():
    close = walk(40)
    close[20:] *= 9
    ts = weekdays(40)
    ts[20:] += 700 * DAY

    assert [said for said in told(close, ts=ts) if "times" in said] == []


@pytest.mark.parametrize("bars", range(1, 13))
def test_few_bars_that_stand_still_are_looked_at_without_harm(bars):
    ts = np.arange(bars, dtype=np.int64) * 86_400_000_000_000 + 10**18

    said = series_remarks(ts, 86_400_000_000_000, ("A",), {"close": np.ones((bars, 1))})

    assert len(said) == (1 if bars >= 10 else 0)


def test_a_few_bars_of_weekends_among_weekdays_are_told():
    ts = weekdays(400)
    saturdays = ts[4::100] + DAY  # each the day after a Friday
    mixed = np.sort(np.concatenate([ts, saturdays]))

    (said,) = told(walk(404), ts=mixed)

    assert said.startswith(
        "4 bars of a Saturday or a Sunday, the first of 2024-01-13, and all others of weekdays"
    )
    assert told(walk(400), ts=ts) == ()
    assert told(walk(400), ts=(np.arange(400) + MONDAY) * DAY) == ()  # a market without weekends


def test_days_among_hours_are_told_with_where_they_are():
    hour = DAY // 24
    days = weekdays(30)
    inside = (weekdays(90)[30:, None] + np.arange(9, 16) * hour).ravel()
    ts = np.concatenate([days, inside])

    (said,) = told(walk(len(ts), step=0.001), ts=ts, step=hour)

    assert said.startswith("from 2024-01-08 to 2024-02-16 there is one bar a day, elsewhere one every hour")
    assert told(walk(len(inside), step=0.001), ts=inside, step=hour) == ()
