"""How far a role is, seen from outside: it writes a row for each bar, so its log says."""

from __future__ import annotations

from pathlib import Path

from flotilla.errors import StreamError
from flotilla.stream.log import LogReader


class Progress:
    """The number of bars that a role has done: the rows of a stream that gets one for each."""

    def __init__(self, path: Path, stream: str) -> None:
        self._path, self._stream = path, stream
        self._log: LogReader | None = None

    def bars(self) -> int:
        """Return the number of bars done, 0 where the role has not begun."""
        if self._log is None:
            try:
                self._log = LogReader(self._path, self._stream)
            except StreamError:  # it is not there, or is being made
                return 0
        return self._log.last_seq()

    def close(self) -> None:
        """Close the log."""
        if self._log:
            self._log.close()
