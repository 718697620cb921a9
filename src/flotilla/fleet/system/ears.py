"""Hear in the running loop what platforms say, and listen anew where somebody removed the socket's file."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from flotilla.fleet.system.notify_socket import NotifySocket, whose


class Ears:
    """Listens at `path`. said: is called when something was said. deaf: when nobody was heard for a while."""

    def __init__(self, path: Path, said: Callable[[], None], deaf: Callable[[], None]) -> None:
        self._said, self._deaf = said, deaf
        self._listen(NotifySocket(path))

    def hear_of(
        self, leaders: Mapping[int, str], grouped: Callable[[int], str | None]
    ) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield what platforms said, as this user or as root, oldest first. leaders, grouped: see `whose`."""
        for pid, uid, said in self._socket.hear():
            if uid in (0, os.getuid()) and (name := whose(pid, leaders, grouped)) is not None:
                yield name, said

    def look(self) -> None:
        """Listen anew where the socket's file was removed: whoever spoke meanwhile was not heard."""
        if self._socket.path.exists():
            return
        self._deaf()
        try:
            new = NotifySocket(self._socket.path)
        except OSError:  # the disk is full, or the run folder is gone: the next look tries again
            return
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.drop()
        self._listen(new)

    def close(self) -> None:
        """Stop listening, and take the address away."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()

    def _listen(self, socket: NotifySocket) -> None:
        self._socket = socket
        asyncio.get_running_loop().add_reader(socket.fileno(), self._said)
