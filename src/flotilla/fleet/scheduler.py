"""Start and stop platforms by their calendars: the times come from `schedule.py`, as plain numbers.

Only a change of the hours acts: between two of them, what a person asked for stands, also under
the next supervisor, which is told what the hours were when the one before it died (`recall`).
"""

from __future__ import annotations

from collections.abc import Callable

from flotilla.clock import monotonic_ns, now_ns
from flotilla.fleet import schedule
from flotilla.fleet.rules.platform_state import Life
from flotilla.fleet.rules.states import ALIVE, Ask, Note, State


class Scheduler:
    """Follows the times. ask: takes what is to be started or stopped; note: what is worth writing down."""

    def __init__(self, ask: Callable[[Ask], None], note: Callable[[Note], None]) -> None:
        self._ask, self._note = ask, note
        self._courses: dict[str, schedule.Course] = {}
        self._recalled: dict[str, bool] = {}  # as the supervisor before this one left it

    @property
    def wanted(self) -> dict[str, bool]:
        """Return who should run by its hours, and who should not, of those whose hours are known."""
        return self._recalled | {name: course.wanted for name, course in self._courses.items()}

    @staticmethod
    def inside(times: schedule.SessionTimes | None, name: str) -> bool | None:
        """Return whether it is within its hours now; None where they are not known."""
        windows = times.windows.get(name) if times is not None else None
        return None if windows is None else schedule.inside(windows, now_ns())

    def recall(self, name: str, wanted: bool) -> None:
        """Take what was last known of the hours of one."""
        self._recalled[name] = wanted

    def look(self, times: schedule.SessionTimes | None, lives: dict[str, Life]) -> None:
        """Start and stop what it is time for. Between two changes, what a person asked for stands."""
        for name, windows in (times.windows if times is not None else {}).items():
            life = lives.get(name)
            if life is None or life.platform.schedule is None:
                self._courses.pop(name, None)
                continue
            known = self._courses.get(name)
            wall, now = now_ns(), monotonic_ns()
            if known is None:
                course = schedule.begin(windows, wall, now)
                before = self._recalled.pop(name, None)
                if before is None:
                    there = life.state in ALIVE or life.wanted
                    # What has failed within its hours is not started anew by a supervisor that is.
                    changed = course.wanted != there and life.state not in (State.FAILED, State.COMPLETED)
                else:
                    changed = course.wanted != before
            else:
                course = schedule.follow(known, windows, wall, now)
                changed = course.wanted != known.wanted
            self._courses[name] = course
            if changed:
                self._act(name, course.wanted, windows, wall)

    def wait_s(self, times: schedule.SessionTimes | None) -> float:
        """Return how long nothing changes, as far as is known, in seconds."""
        waits = [schedule.wait_s(windows, now_ns()) for windows in times.windows.values()] if times else []
        return min(waits, default=60.0)

    def _act(self, name: str, start: bool, windows: tuple[schedule.Window, ...], wall: int) -> None:
        coming = schedule.next_change(windows, wall)
        if coming is not None:
            self._note(Note("scheduled", name, "", {"action": coming[0], "at": coming[1]}))
        why = "its calendar says so"
        self._ask(Ask("start" if start else "stop", (name,), "schedule", why, by_hours=True))
