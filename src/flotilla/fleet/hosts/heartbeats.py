"""Notice platforms that have a heartbeat and are not heard from, on the host that they run on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from flotilla.clock import monotonic_ns
from flotilla.fleet.rules.platform_state import Life, silent_ns

_LATE_NS = 100_000_000  # so late, and we were not running ourselves: nobody's silence counts
_AGAIN_NS = 1_000_000_000  # one that is silent still is told of again: a head may have come since


class Heartbeats:
    """Watches `lives`. hear: takes in what was said; tell: name, and for how many seconds it was silent."""

    def __init__(
        self, lives: dict[str, Life], hear: Callable[[], None], tell: Callable[[str, float], None]
    ) -> None:
        self._lives, self._hear, self._tell = lives, hear, tell
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Wait for the next moment that somebody may have been silent for too long."""
        self.close()
        now, loop = monotonic_ns(), asyncio.get_running_loop()
        dues = [due for life in self._lives.values() if (due := silent_ns(life)) is not None]
        at = min((due if due > now else now + _AGAIN_NS for due in dues), default=None)
        self._timer = None if at is None else loop.call_at(at / 1e9, self._on_time, at)

    def close(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_time(self, at: int) -> None:
        self._hear()  # what was said before now counts
        now = monotonic_ns()
        for name, life in list(self._lives.items()):
            due = silent_ns(life)
            if due is None or due > now:
                continue
            if now - at > _LATE_NS:
                self._lives[name] = replace(life, beat_ns=now)
            else:
                self._tell(name, (now - (life.beat_ns or now)) / 1e9)
        self.watch()
