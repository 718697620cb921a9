"""Bars of minutes against an exchange's hours: early closes, lunch, evenings, and what is missing inside."""

import numpy as np
import pytest

from flotilla.stream.bars.findings import Verdict
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.quality import calendar, gaps
from flotilla.stream.bars.quality.check import look_at

MINUTE = 60_000_000_000


def day(text):
    return int(np.datetime64(text, "D").astype(np.int64))


def ns(text):
    return int(np.datetime64(text, "ns").astype(np.int64))


def between(first, last, minutes=5):
    """Return the starts of bars from one time to another, the last excluded, ns."""
    return np.arange(ns(first), ns(last), minutes * MINUTE)


# Wednesday to Monday around Thanksgiving 2023: closed on Thursday, and 13:00 is the close of Friday.
NEW_YORK = [
    between("2023-11-22T14:30", "2023-11-22T21:00"),
    between("2023-11-24T14:30", "2023-11-24T18:00"),
    between("2023-11-27T14:30", "2023-11-27T21:00"),
]
TOKYO = [
    between("2024-01-04T00:00", "2024-01-04T02:30"),
    between("2024-01-04T03:30", "2024-01-04T06:00"),
    between("2024-01-05T00:00", "2024-01-05T02:30"),
    between("2024-01-05T03:30", "2024-01-05T06:00"),
]


@pytest.fixture
def look(tmp_path):
    def looked(ts, name):
        rows = [f"{np.datetime64(int(t), 'ns').astype('M8[s]')}Z" for t in ts]
        path = tmp_path / "prices.csv"
        path.write_text("ts,close\n" + "".join(f"{t},{100 + n % 7 / 10}\n" for n, t in enumerate(rows)))
        return look_at(path, Options(), name)

    return looked


def test_hours_know_early_closes_and_lunch():
    new_york = calendar.hours("XNYS", day("2023-11-22"), day("2023-11-27"))
    tokyo = calendar.hours("XTKS", day("2024-01-04"), day("2024-01-05"))

    friday = new_york.days.tolist().index(day("2023-11-24"))
    assert new_york.closes[friday] == ns("2023-11-24T18:00")
    assert new_york.pause[friday] == new_york.closes[friday]
    thursday = tokyo.days.tolist().index(day("2024-01-04"))
    assert (tokyo.pause[thursday], tokyo.resume[thursday]) == (ns("2024-01-04T02:30"), ns("2024-01-04T03:30"))


@pytest.mark.parametrize(("parts", "name"), [(NEW_YORK, "XNYS"), (TOKYO, "XTKS")])
def test_whole_sessions_lack_nothing(look, parts, name):
    assert look(np.concatenate(parts), name).codes == []


def test_a_bar_at_the_end_or_the_beginning_of_a_session_is_missing_too(look):
    wednesday, friday, monday = NEW_YORK
    ts = np.concatenate([wednesday[:-2], friday[1:], np.delete(monday, [5, 6, 7])])

    found = look(ts, "XNYS")

    (gap,) = found.findings
    assert (gap.code, gap.count, gap.verdict) == ("gap", 6, Verdict.WARN)
    assert gap.what == "a bar is missing inside a session (XNYS)"
    assert gap.places == (
        "prices 2023-11-22T20:50:00Z to 2023-11-22T20:55:00Z: 2",
        "prices 2023-11-24T14:30:00Z",
        "prices 2023-11-27T14:55:00Z to 2023-11-27T15:05:00Z: 3",
    )


def test_a_session_cut_in_half_is_told_where_the_others_are_whole(look):
    morning, afternoon, *rest = TOKYO
    after = [part + 5 * 24 * 60 * MINUTE for part in (morning, afternoon)]  # Monday the 8th is a holiday

    (gap,) = look(np.concatenate([morning, afternoon, rest[1], *after]), "XTKS").findings

    assert gap.count == 30
    assert gap.places == ("prices 2024-01-05T00:00:00Z to 2024-01-05T02:25:00Z: 30",)


def test_a_market_with_few_of_its_bars_is_quiet_and_lacks_none():
    hours = calendar.hours("XNYS", day("2023-11-22"), day("2023-11-27"))
    quiet = np.concatenate([part[::3] for part in NEW_YORK])

    assert gaps.missing_in_sessions(quiet, 5 * MINUTE, hours, []) == []


def test_bars_may_be_stamped_by_their_ends():
    hours = calendar.hours("XNYS", day("2023-11-22"), day("2023-11-27"))
    ends = np.concatenate(NEW_YORK) + 5 * MINUTE

    assert gaps.missing_in_sessions(ends, 5 * MINUTE, hours, []) == []
    third = int(ends[3])
    assert gaps.missing_in_sessions(np.delete(ends, 3), 5 * MINUTE, hours, []) == [gaps.Gap(third, third, 1)]


def test_a_bar_outside_the_hours_is_of_its_day_there_and_an_evening_of_the_next_session():
    new_york = calendar.hours("XNYS", day("2023-11-22"), day("2023-11-27"))
    chicago = calendar.hours("CMES", day("2024-01-05"), day("2024-01-09"))

    late = np.array([ns("2023-11-25T00:30")])  # half past seven on Friday evening
    assert new_york.day_of(late).tolist() == [day("2023-11-24")]
    sunday = np.array([ns("2024-01-07T23:30")])
    assert chicago.day_of(sunday).tolist() == [day("2024-01-08")]
