from dataclasses import replace

import numpy as np
import pytest

from flotilla.clock import DAY_NS
from flotilla.errors import DataError, OutOfOrderError
from flotilla.stream.bars.draft import Draft, panel_of
from flotilla.stream.bars.joined import joined

MINUTE = 60_000_000_000


def draft(name, days, close, instruments=("A",), step=DAY_NS, remarks=(), **more):
    closes = np.array(close, np.float64).reshape(len(days), len(instruments))
    fields = {field: np.array(values, np.float64).reshape(closes.shape) for field, values in more.items()}
    ts = np.array(days, np.int64) * step + DAY_NS * 365
    place = lambda t, i: f"line {t + 2}"  # noqa: E731
    return Draft(name, ts, step, instruments, {"close": closes, **fields}, place, remarks=remarks)


def test_an_instrument_may_go_on_in_another_file():
    one = joined([draft("a.csv", [1, 2], [1, 2]), draft("b.csv", [3], [3])], "both")

    assert panel_of(one).fields["close"].tolist() == [[1.0], [2.0], [3.0]]
    assert (one.place(0, 0), one.place(2, 0)) == ("a.csv line 2", "b.csv line 2")


def test_an_instrument_twice_at_one_time_is_refused():
    with pytest.raises(OutOfOrderError, match=r"A: a.csv and b.csv, 1 bar from 1971-01-03"):
        joined([draft("a.csv", [1, 2], [1, 2]), draft("b.csv", [2, 3], [2, 3])], "both")


def test_long_files_of_a_day_each_are_one_after_the_other():
    first = draft("1.csv", [1], [1, 10], ("A", "B"))
    second = draft("2.csv", [2], [2, 30], ("A", "C"))

    one = joined([first, second], "both")

    assert one.instruments == ("A", "B", "C")
    expected = [[1.0, 10.0, np.nan], [2.0, np.nan, 30.0]]
    assert np.array_equal(one.fields["close"], expected, equal_nan=True)
    assert one.place(1, 1) == ""


def test_files_of_other_lengths_or_prices_are_refused():
    daily, minutes = draft("d.csv", [1, 2, 3], [1, 2, 3]), draft("m.csv", [1, 2], [1, 2], step=MINUTE)
    weekly = draft("w.csv", [1, 8, 15], [1, 2, 3])
    with_opens = draft("o.csv", [1], [1], open=[1])

    with pytest.raises(DataError, match=r"bars of several lengths: 1 day: d.csv; 1 minute: m.csv"):
        joined([daily, minutes], "x")
    with pytest.raises(DataError, match=r"1 day: d.csv; weeks or more: w.csv"):
        joined([daily, weekly], "x")
    with pytest.raises(DataError, match=r"several sets of prices: close: d.csv; open, close: o.csv"):
        joined([daily, with_opens], "x")


def test_a_volume_may_be_in_some_files_only():
    one = joined([draft("a.csv", [1], [1], volume=[5]), draft("b.csv", [1], [2], ("B",))], "x")

    assert np.array_equal(one.fields["volume"], [[5.0, np.nan]], equal_nan=True)


def test_what_is_said_of_many_files_is_said_once():
    drafts = [draft(f"{name}.csv", [1], [1], (name,), remarks=(f"{name}.csv: odd",)) for name in "KLM"]

    assert joined(drafts, "x").remarks == ("K.csv: odd (and so of 2 files more)",)


def test_files_of_several_zones_have_days_of_utc_and_it_is_told():
    london, york = (
        replace(draft(f"{name}.csv", [1, 2], [1, 2], (name,), MINUTE), zone=zone)
        for name, zone in (("L", "Europe/London"), ("Y", "America/New_York"))
    )

    assert joined([london, london_too()], "x").zone == "Europe/London"
    one = joined([london, york], "x")
    assert one.zone == "UTC"
    assert "times of several zones, Europe/London, America/New_York: days begin as in UTC" in one.remarks[0]


def london_too():
    return replace(draft("M.csv", [3], [3], ("M",), MINUTE), zone="Europe/London")
