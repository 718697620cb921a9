"""What goes on in a run that plays, for whoever waits for it: nothing is lost in silence, and none waits so.

1. A log of the run that is taken away ends it: its writer would write on where nobody reads, and another that
   begins anew would lack what it held.
2. Where no bar comes for a while it says so, and who is not ready; a strategy that takes long over one says
   which bar that is (live/pulse.py), and what dies and is started again is told as it happens.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flotilla.clock import monotonic_ns
from flotilla.errors import ProcessError
from flotilla.live.folder import FILE, Run
from flotilla.live.pulse import WAITING
from flotilla.live.roles import GATEWAY
from flotilla.words import counted

_QUIET_S = 30.0  # no bar for so long is told, and three times as long, and so on


class Watch:
    """Watches one run. note: takes what a person should read."""

    def __init__(self, run: Run, note: Callable[[str], None]) -> None:
        self._run, self._note = run, note
        names = [GATEWAY, *(process.log for process in run.processes)]
        self._files = [run.folder / FILE, *map(run.log, names)]
        self._seen: dict[Path, tuple[int, int]] = {}
        self._bars, self._since_ns = -1, monotonic_ns()
        self._pause_s = max(_QUIET_S, 3.0 / (run.manifest.speed or 1.0))
        self._patience_s = self._pause_s

    def hear(self, kind: str, text: str) -> None:
        """Take what the fleet tells, and pass on what a person should read."""
        if kind != "status" or text.startswith(WAITING):
            self._since_ns, self._patience_s = (
                monotonic_ns(),
                3 * self._pause_s,
            )  # it is known what is waited for
            self._note(text)

    def look(self) -> None:
        """Raise ProcessError where a file of the run that was there is gone, or is another one."""
        for path in self._files:
            there = _identity(path)
            if self._seen.get(path, there) != there:
                raise ProcessError(
                    f"{path} was removed, or replaced, while the run used it: what it held is lost, and the "
                    "run cannot go on\n    mend: the same command with --fresh begins anew"
                )
            if there is not None:
                self._seen[path] = there

    def count(self, bars: int, not_ready: Callable[[], dict[str, str]]) -> None:
        """Take how many bars are done; say so where it is the same for long. not_ready: asked only then."""
        if bars != self._bars:
            self._bars, self._since_ns, self._patience_s = bars, monotonic_ns(), self._pause_s
        waited_s = (monotonic_ns() - self._since_ns) / 1e9
        if waited_s >= self._patience_s:
            self._patience_s *= 3
            who = ", ".join(f"{name} is {how}" for name, how in not_ready().items())
            done = f"{counted(bars, 'bar')} of {self._run.manifest.bars:,} done"
            self._note(f"no bar for {waited_s:.0f} s, {done}: {who or 'all its processes are ready'}")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
