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
        return self._log.last_seq() if self.begun and self._log else 0

    def close(self) -> None:
        """Close the log."""
        if self._log:
            self._log.close()
