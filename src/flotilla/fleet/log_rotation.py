"""Rotate the logs that have grown long, a step at a time between the supervisor's other work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from flotilla.fleet.rules.states import Note
from flotilla.fleet.spec import Log
from flotilla.fleet.system import logs


class LogRotation:
    """Rotates. log: of a platform, by its name; note: takes why one is not rotated."""

    def __init__(self, log: Callable[[str], Path], note: Callable[[Note], None]) -> None:
        self._log, self._note = log, note
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._failed: set[str] = set()  # told of already
        self._supported = True

    def look(self, rules: Mapping[str, Log]) -> None:
        """Begin to rotate those of `rules` that are longer than they may be. One stat for each."""
        for name, rule in rules.items():
            if not self._supported:
                return
            if name not in self._under_way and logs.due(self._log(name), rule.rotate_mb):
                self._under_way[name] = asyncio.get_running_loop().create_task(self._rotate(name, rule))

    async def _rotate(self, name: str, rule: Log) -> None:
        try:
            for _ in logs.rotation(self._log(name), rule.rotate_mb, rule.keep):
                await asyncio.sleep(0)
            self._failed.discard(name)
        except logs.NotSupported as error:
            self._supported = False
            self._tell(name, str(error))
        except OSError as error:
            self._tell(name, str(error))
        finally:
            del self._under_way[name]

    def _tell(self, name: str, why: str) -> None:
        """Say it once: a disk that stays full is asked again and again."""
        if name not in self._failed:
            self._failed.add(name)
            self._note(Note("log_not_rotated", name, why, {"reason": why}))
