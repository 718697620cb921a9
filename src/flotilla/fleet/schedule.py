"""When platforms run: from 09:00 to 15:35 on the days that an exchange trades.

1. `python -m flotilla.fleet.schedule <fleet file> <times file>` asks exchange_calendars, and
   writes the next weeks' starts and stops as lines of JSON. It holds pandas and its 100 MB
   for a second, in a process of its own. The supervisor reads plain numbers (`read`) and asks
   again when they run out (`runs_out`).
2. `window` is the rule, pure. A start and a stop are times of day of a zone. On a day that
   closes early the stop comes as much earlier, and the start as much later as the day opens
   late. Where the clocks skip a time or have it twice, the platform runs the longer way.
3. `follow` says whether a platform is wanted, from one look to the next. Time that passes
   starts and stops; a clock that is set does not, until it has stood so for a minute: a
   correction over 15:35 and back ends no trading day.

Times are ns since 1970 UTC, but where they are called monotonic.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from flotilla.clock import now_ns
from flotilla.door import raise_if_any
from flotilla.errors import ConfigError, FlotillaError, ProcessError, nearest
from flotilla.fleet.spec import FleetSpec, Schedule, accepted
from flotilla.stream.calendars import calendar_names, trading_days
from flotilla.stream.files import write_whole

DAYS = 28  # that are written at once
_LOOK_S = 30.0  # the wall clock is looked at so often: it may be set
_HOLD_NS = 60_000_000_000  # monotonic: a clock that was set is believed after this
_STEP_NS = 1_000_000_000  # more than any clock drifts between two looks
_AGAIN_NS = 7 * 86_400_000_000_000  # times are asked for when fewer than these are left
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_TIME = timedelta(0)


class Window(NamedTuple):
    """One run: from `start_ns` up to `stop_ns`."""

    start_ns: int
    stop_ns: int


class SessionTimes(msgspec.Struct, frozen=True):
    """What the times file holds."""

    windows: dict[str, tuple[Window, ...]]  # of each platform, in order of time
    until_ns: int  # up to here they are known
    short: dict[str, str] = {}  # platforms whose calendar ends before that, and what it says


class Course(NamedTuple):
    """Whether a platform is wanted, and the look that said so."""

    wanted: bool
    wall_ns: int
    monotonic_ns: int
    doubt_ns: int | None = None  # monotonic: since when the clock says otherwise, having been set


def inside(windows: Sequence[Window], wall_ns: int) -> bool:
    """Return whether `wall_ns` lies in one of `windows`, which are in order of time."""
    before = bisect_right(windows, (wall_ns, sys.maxsize))
    return before > 0 and wall_ns < windows[before - 1].stop_ns


def begin(windows: Sequence[Window], wall_ns: int, monotonic_ns: int) -> Course:
    """Return the course at the first look."""
    return Course(inside(windows, wall_ns), wall_ns, monotonic_ns)


def follow(course: Course, windows: Sequence[Window], wall_ns: int, monotonic_ns: int) -> Course:
    """Return the course at the next look; act when `wanted` changes."""
    now = inside(windows, wall_ns)
    if now == course.wanted:
        return Course(now, wall_ns, monotonic_ns)
    passed_ns, drift_ns = wall_ns - course.wall_ns, monotonic_ns - course.monotonic_ns
    was_set = passed_ns < 0 or abs(passed_ns - drift_ns) > _STEP_NS
    if not was_set and course.doubt_ns is None:
        return Course(now, wall_ns, monotonic_ns)
    doubt_ns = monotonic_ns if course.doubt_ns is None else course.doubt_ns
    if monotonic_ns - doubt_ns >= _HOLD_NS:
        return Course(now, wall_ns, monotonic_ns)
    return Course(course.wanted, wall_ns, monotonic_ns, doubt_ns)


def next_change(windows: Iterable[Window], wall_ns: int) -> tuple[str, int] | None:
    """Return ("start" or "stop", when) for the next of the two; None where none is known."""
    for window in windows:
        if wall_ns < window.start_ns:
            return "start", window.start_ns
        if wall_ns < window.stop_ns:
            return "stop", window.stop_ns
    return None


def wait_s(windows: Iterable[Window], wall_ns: int) -> float:
    """Return how long to wait until the next look, in seconds."""
    change = next_change(windows, wall_ns)
    return _LOOK_S if change is None else min(_LOOK_S, (change[1] - wall_ns) / 1e9)


def runs_out(times: SessionTimes, wall_ns: int) -> bool:
    """Return whether new times should be asked for."""
    return times.until_ns - wall_ns < _AGAIN_NS


def read(path: Path) -> SessionTimes:
    """Return what a times file holds; ProcessError if it cannot be read."""
    try:
        lines = path.read_bytes().splitlines()
        last = msgspec.json.decode(lines[-1], type=dict[str, Any])
        runs = msgspec.json.decode(b"[" + b",".join(lines[:-1]) + b"]", type=list[dict[str, Any]])
        windows: dict[str, list[Window]] = {name: [] for name in last["platforms"]}
        for run in runs:
            windows[run["platform"]].append(Window(run["start_ns"], run["stop_ns"]))
        plain = {name: tuple(sorted(of)) for name, of in windows.items()}
        return msgspec.convert({**last, "windows": plain}, SessionTimes)
    except (OSError, IndexError, KeyError, msgspec.MsgspecError) as error:
        raise ProcessError(f"{path} holds no times: {error!r}") from error


def check(fleet: FleetSpec, file: str) -> None:
    """Raise ConfigError, with its path, for each calendar that nobody has: its platform would never start.

    Loads exchange_calendars where a platform has a schedule: 1 s and 100 MB.
    """
    asked = {name: p.schedule.calendar for name, p in fleet.platforms.items() if p.schedule is not None}
    known = calendar_names() if asked else []
    path = "$.platforms.{}.schedule.calendar"
    raise_if_any(
        [
            f"{path.format(name)}: no calendar is called {calendar!r}{nearest(calendar, known)}"
            for name, calendar in asked.items()
            if calendar not in known
        ],
        file,
    )


def window(
    day: date,
    schedule: Schedule,
    zone: ZoneInfo,
    opens_late: timedelta = _NO_TIME,
    closes_early: timedelta = _NO_TIME,
) -> Window | None:
    """Return the run of one trading day; None where the day is too short for it.

    A stop that is not after the start is on the next day.
    """
    start, stop = time.fromisoformat(schedule.start), time.fromisoformat(schedule.stop)
    last = day if stop > start else day + timedelta(days=1)
    start_ns = min(_instants(day, start, zone)) + _ns(opens_late)
    stop_ns = max(_instants(last, stop, zone)) - _ns(closes_early)
    return Window(start_ns, stop_ns) if start_ns < stop_ns else None


def windows(schedule: Schedule, first: date, last: date) -> tuple[list[Window], str]:
    """Return a schedule's runs from the day `first` to `last`, and "" or why they end before.

    Loads exchange_calendars: 1 s and 100 MB. UnknownName if it has no such calendar.
    """
    trading = trading_days(schedule.calendar, first, last)
    zone = _zone(schedule.zone or trading.zone)
    found = [
        run
        for day, late, early in trading.days
        if (run := window(day, schedule, zone, late, early)) is not None
    ]
    return found, "" if trading.end >= last else f"{schedule.calendar} is known up to {trading.end}"


def write(fleet: Path, times: Path, wall_ns: int, days: int = DAYS) -> None:
    """Write the runs of a fleet's platforms from yesterday on, for `days` days."""
    today = (_EPOCH + timedelta(microseconds=wall_ns // 1000)).date()
    first, last = today - timedelta(days=2), today + timedelta(days=days)
    schedules = {name: p.schedule for name, p in accepted(fleet).platforms.items() if p.schedule}
    lines, short = [], {}
    for name, schedule in schedules.items():
        runs, why = windows(schedule, first, last)
        lines += [{"platform": name, "start_ns": run.start_ns, "stop_ns": run.stop_ns} for run in runs]
        if why:
            short[name] = why
    until = datetime.combine(last, time(0), UTC)
    end = {"platforms": [*schedules], "until_ns": _since_epoch(until), "short": short}
    write_whole(times, b"\n".join(msgspec.json.encode(line) for line in [*lines, end]) + b"\n")


def main(arguments: Sequence[str]) -> int:
    """Write the times of a fleet file, and return the exit code."""
    if len(arguments) != 2:
        sys.stderr.write("python -m flotilla.fleet.schedule <fleet file> <times file>\n")
        return 2
    try:
        write(Path(arguments[0]), Path(arguments[1]), now_ns())
    except FlotillaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _instants(day: date, at: time, zone: ZoneInfo) -> tuple[int, int]:
    """Return when it is `at` on `day`, read either way where the clocks are set: mostly the same twice."""
    return tuple(_since_epoch(datetime.combine(day, at, zone).replace(fold=fold)) for fold in (0, 1))  # type: ignore[return-value]


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"no time zone is called {name!r}") from error


def _since_epoch(at: datetime) -> int:
    return _ns(at.astimezone(UTC) - _EPOCH)


def _ns(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1) * 1000


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
