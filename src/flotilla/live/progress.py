"""How far a role is, seen from outside: it writes a row for each bar, so its log says."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from flotilla.errors import StreamError
from flotilla.live.folder import Run
from flotilla.live.roles import EQUITY_LOG, PORTFOLIO
from flotilla.stream.log import LogReader


class Progress:
    """The number of bars that a role has done: by the rows of a stream that gets some for each bar."""

    def __init__(self, path: Path, stream: str, rows: int = 1) -> None:
        """rows: how many it gets for each bar."""
        self._path, self._stream, self._rows = path, stream, rows
        self._log: LogReader | None = None

    @property
    def begun(self) -> bool:
        """Return whether the role has made its log."""
        if self._log is None:
            try:
                self._log = LogReader(self._path, self._stream)
            except StreamError:  # it is not there, or is being made
                return False
        return True

    def bars(self) -> int:
        """Return the number of bars done, 0 where the role has not begun."""
        return self._log.last_seq() // self._rows if self.begun and self._log else 0

    def close(self) -> None:
        """Close the log."""
        if self._log:
            self._log.close()


def progress_of(run: Run) -> list[Progress]:
    """Return how far each process is that has something to say of every bar."""
    found = []
    for process in run.processes:
        if stream := process.role.each_bar:
            rows = len(run.portfolios) if process.role is PORTFOLIO else 1
            found.append(Progress(run.log(process.log), stream.name, rows))
    return found


def simulated_bars(run: Run) -> int:
    """Return how many bars the run's portfolios have simulated, as far as it is written down."""
    log, stream = EQUITY_LOG
    with closing(Progress(run.log(log), stream, len(run.portfolios))) as progress:
        return progress.bars()
