"""Platforms run when their exchange trades: over half days, put-forward clocks, and clocks that are set."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flotilla.errors import ConfigError, ProcessError, UnknownName
from flotilla.fleet.schedule import (
    Course,
    Window,
    begin,
    check,
    follow,
    inside,
    next_change,
    read,
    runs_out,
    wait_s,
    window,
    windows,
    write,
)
from flotilla.fleet.spec import Schedule, decode_fleet

SECOND, HOUR, DAY = 10**9, 3600 * 10**9, 86400 * 10**9
ZONES = st.sampled_from(
    ["UTC", "Asia/Kolkata", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Tokyo",
     "America/Sao_Paulo", "Africa/Casablanca", "Pacific/Apia", "Pacific/Chatham", "America/St_Johns"]
).map(ZoneInfo)  # fmt: skip
CLOCKS = st.times().map(lambda at: at.replace(second=0, microsecond=0, tzinfo=None))
DATES = st.dates(date(2000, 1, 1), date(2037, 12, 31))


def at(text):
    """Return "2026-11-23T14:00Z" as ns."""
    return round(datetime.fromisoformat(text).timestamp()) * SECOND


def plan(start="09:00", stop="15:35", calendar="XNYS", zone=None):
    return Schedule(calendar=calendar, start=start, stop=stop, zone=zone)


def local(ns, zone):
    return datetime.fromtimestamp(ns // SECOND, zone)


@given(DATES, CLOCKS, CLOCKS, ZONES)
def test_it_starts_and_stops_when_the_zones_clocks_say_so(day, start, stop, zone):
    run = window(day, plan(f"{start:%H:%M}", f"{stop:%H:%M}"), zone)

    assert run is not None
    last = day if stop > start else day + timedelta(days=1)
    for ns, wanted in (
        (run.start_ns, datetime.combine(day, start)),
        (run.stop_ns, datetime.combine(last, stop)),
    ):
        if not is_skipped(wanted, zone):
            assert local(ns, zone).replace(tzinfo=None) == wanted


@given(DATES, CLOCKS, CLOCKS, ZONES)
def test_where_the_clocks_are_set_it_runs_the_longer_way(day, start, stop, zone):
    run = window(day, plan(f"{start:%H:%M}", f"{stop:%H:%M}"), zone)

    assert run is not None
    last = day if stop > start else day + timedelta(days=1)
    for fold in (0, 1):
        assert run.start_ns <= datetime.combine(day, start, zone).replace(fold=fold).timestamp() * SECOND
        assert run.stop_ns >= datetime.combine(last, stop, zone).replace(fold=fold).timestamp() * SECOND


@given(DATES, ZONES)
def test_days_follow_each_other_without_meeting(day, zone):
    assume(day.year != 2011)  # Apia had no 30 December then
    today, tomorrow = (window(one, plan(), zone) for one in (day, day + timedelta(days=1)))

    assert today.start_ns < today.stop_ns < tomorrow.start_ns
    assert abs(tomorrow.start_ns - today.start_ns - DAY) <= HOUR


def is_skipped(naive, zone):
    back = naive.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    return back.replace(tzinfo=None) != naive


def test_nine_in_new_york_is_another_hour_of_utc_after_the_clocks_are_put_back():
    zone = ZoneInfo("America/New_York")

    friday, monday = (window(date(2026, *day), plan(), zone) for day in ((10, 30), (11, 2)))

    assert friday == (at("2026-10-30T13:00Z"), at("2026-10-30T19:35Z"))
    assert monday == (at("2026-11-02T14:00Z"), at("2026-11-02T20:35Z"))


def test_a_time_that_comes_twice_starts_at_the_first_and_stops_at_the_second():
    run = window(date(2026, 11, 1), plan("01:10", "01:50"), ZoneInfo("America/New_York"))

    assert run == (at("2026-11-01T05:10Z"), at("2026-11-01T06:50Z"))


def test_a_time_that_never_comes_is_not_missed():
    run = window(date(2026, 3, 8), plan("02:30", "09:00"), ZoneInfo("America/New_York"))

    assert run == (
        at("2026-03-08T06:30Z"),
        at("2026-03-08T13:00Z"),
    )  # 01:30, half an hour before the clocks leap


def test_a_stop_that_is_not_after_the_start_is_of_the_next_day():
    run = window(date(2026, 11, 23), plan("18:00", "17:00"), ZoneInfo("UTC"))

    assert run == (at("2026-11-23T18:00Z"), at("2026-11-24T17:00Z"))


def test_a_day_that_is_too_short_has_no_run():
    short = window(date(2026, 11, 27), plan("14:00"), ZoneInfo("UTC"), closes_early=timedelta(hours=3))

    assert short is None


def test_half_days_and_holidays_of_new_york():
    runs, why = windows(plan(), date(2026, 11, 25), date(2026, 11, 30))

    assert why == ""
    assert runs == [
        (at("2026-11-25T14:00Z"), at("2026-11-25T20:35Z")),
        (at("2026-11-27T14:00Z"), at("2026-11-27T17:35Z")),  # closes at 13:00: 25 minutes before it, as ever
        (at("2026-11-30T14:00Z"), at("2026-11-30T20:35Z")),
    ]


def test_a_zone_of_ones_own_reads_the_same_days():
    (run,), _ = windows(plan("14:00", "21:00", zone="Europe/London"), date(2026, 7, 6), date(2026, 7, 6))

    assert run == (at("2026-07-06T13:00Z"), at("2026-07-06T20:00Z"))


def test_days_without_end():
    runs, _ = windows(plan("00:00", "23:59", calendar="24/7"), date(2026, 11, 21), date(2026, 11, 22))

    assert runs == [(at(f"2026-11-{d}T00:00Z"), at(f"2026-11-{d}T23:59Z")) for d in (21, 22)]


def test_a_calendar_that_ends_says_so():
    runs, why = windows(plan(), date(2190, 1, 1), date(2200, 1, 1))

    assert runs == []
    assert why.startswith("XNYS is known up to ")


def test_names_that_nothing_has_are_told():
    with pytest.raises(UnknownName, match="XNYS"):
        windows(plan(calendar="XNYX"), date(2026, 11, 25), date(2026, 11, 30))
    with pytest.raises(ConfigError, match="Mars"):
        windows(plan(zone="Mars/Base"), date(2026, 11, 25), date(2026, 11, 30))


FLEET = """
name: day
platforms:
  engine: {command: [sleep, "60"], schedule: {calendar: XNYS, start: "09:00", stop: "15:35"}}
  always: {command: [sleep, "60"]}
"""


def test_the_times_of_a_fleet_are_written_and_read(tmp_path):
    (tmp_path / "fleet.yaml").write_text(FLEET)
    now = at("2026-11-25T12:00Z")

    write(tmp_path / "fleet.yaml", tmp_path / "times", now)
    times = read(tmp_path / "times")

    assert [*times.windows] == ["engine"]
    assert Window(at("2026-11-27T14:00Z"), at("2026-11-27T17:35Z")) in times.windows["engine"]
    assert times.windows["engine"][0].start_ns < now  # today's too, were it asked for in the afternoon
    assert times.windows["engine"][-1].start_ns > now + 20 * DAY
    assert not times.short
    assert not runs_out(times, now)
    assert runs_out(times, now + 22 * DAY)


def test_a_process_of_its_own_asks_and_the_supervisor_loads_no_pandas(tmp_path):
    (tmp_path / "fleet.yaml").write_text(FLEET)
    command = [sys.executable, "-m", "flotilla.fleet.schedule", str(tmp_path / "fleet.yaml")]

    assert subprocess.run([*command, str(tmp_path / "times")], check=False).returncode == 0
    assert len(read(tmp_path / "times").windows["engine"]) > 10

    loaded = "import sys, flotilla.fleet.schedule; print({'pandas', 'numpy'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", loaded], text=True) == "set()\n"


def test_a_calendar_that_nobody_has_ends_in_words(tmp_path):
    (tmp_path / "fleet.yaml").write_text(FLEET.replace("XNYS", "XNYZ"))
    command = [
        sys.executable,
        "-m",
        "flotilla.fleet.schedule",
        str(tmp_path / "fleet.yaml"),
        str(tmp_path / "t"),
    ]

    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert "no calendar is called 'XNYZ'; did you mean" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("text", ["", "{}", "nonsense", '{"platform": "a", "start_ns": 1}'])
def test_a_times_file_that_is_none_is_refused(text, tmp_path):
    (tmp_path / "times").write_text(text)

    with pytest.raises(ProcessError):
        read(tmp_path / "times")
    with pytest.raises(ProcessError):
        read(tmp_path / "nothing")


RUNS = (Window(100 * SECOND, 200 * SECOND), Window(1000 * SECOND, 1100 * SECOND))


@given(st.integers(0, 1300))
def test_inside_is_what_it_says(second):
    expected = any(run.start_ns <= second * SECOND < run.stop_ns for run in RUNS)

    assert inside(RUNS, second * SECOND) == expected


def test_the_next_change_and_how_long_to_wait():
    assert next_change(RUNS, 0) == ("start", 100 * SECOND)
    assert next_change(RUNS, 100 * SECOND) == ("stop", 200 * SECOND)
    assert next_change(RUNS, 200 * SECOND) == ("start", 1000 * SECOND)
    assert next_change(RUNS, 1100 * SECOND) is None
    assert wait_s(RUNS, 95 * SECOND) == 5.0
    assert wait_s(RUNS, 300 * SECOND) == 30.0
    assert wait_s((), 0) == 30.0


def wanted(looks):
    """Return what is wanted at each look of (wall, monotonic) seconds."""
    course = begin(RUNS, *(n * SECOND for n in looks[0]))
    said = [course.wanted]
    for look in looks[1:]:
        course = follow(course, RUNS, *(n * SECOND for n in look))
        said.append(course.wanted)
    return said


def test_time_that_passes_starts_and_stops_at_once():
    assert wanted([(0, 0), (99, 99), (100, 100), (199, 199), (200, 200)]) == [False, False, True, True, False]


def test_a_clock_that_is_put_back_over_a_start_stops_nobody():
    assert wanted([(95, 0), (101, 6), (98, 8), (99, 9), (105, 15)]) == [False, True, True, True, True]


def test_a_clock_that_leaps_over_a_stop_and_comes_back_ends_no_day():
    assert wanted([(150, 0), (900, 1), (930, 31), (182, 32), (199, 49), (200, 50)]) == [True] * 5 + [False]


def test_a_clock_that_is_set_right_is_believed_after_a_minute():
    assert wanted([(0, 0), (150, 1), (180, 31), (199, 61)]) == [False, False, False, True]


@given(st.integers(0, 1300), st.lists(st.tuples(st.integers(1, 30), st.integers(-500, 500)), max_size=30))
def test_whatever_the_clock_does_it_ends_where_the_clock_stands(start, steps):
    wall, mono = start, 0
    looks = [(wall, mono)]
    for passed, step in steps:
        wall, mono = wall + passed + step, mono + passed
        looks.append((wall, mono))
    looks += [(wall + n / 10, mono + 61 + n / 10) for n in range(2)]  # it stands, and a minute goes by
    settled = follow(
        Course(wanted(looks[:-2])[-1], round(wall * SECOND), mono * SECOND),
        RUNS,
        wall * SECOND,
        (mono + 1) * SECOND,
    )
    settled = follow(settled, RUNS, wall * SECOND, (mono + 62) * SECOND)

    assert settled.wanted == inside(RUNS, wall * SECOND)


def test_a_calendar_that_nobody_has_is_refused_with_its_path():
    daily = {"calendar": "XNYZ", "start": "09:00", "stop": "15:35"}
    fleet = decode_fleet({"name": "a", "platforms": {"p": {"command": ["x"], "schedule": daily}}})

    with pytest.raises(ConfigError, match=r"p\.schedule\.calendar: no calendar is called .XNYZ."):
        check(fleet, "fleet.yaml")
