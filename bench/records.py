"""What the parts of a run tell one another, and what is kept of it."""

from __future__ import annotations

from typing import Any

import msgspec

NOISY_PCT = 10.0


class WrongValue(Exception):
    """A measured program computed something else than it should."""


class Side(msgspec.Struct, frozen=True):
    """Who does a row's work. module: has a `measure(job) -> Measured`; options: what it is told."""

    name: str
    module: str
    options: dict[str, Any] = {}
    one_core_only: bool = False  # it has no second


class Job(msgspec.Struct, frozen=True):
    """One measurement, for one process."""

    row: str
    side: Side
    cores: tuple[int, ...]  # that it may run on
    quick: bool

    @property
    def workers(self) -> int:
        """Return how many threads may work."""
        return len(self.cores)


class Measured(msgspec.Struct, kw_only=True):
    """What a measurement came to. value: what a bar looks at, in `unit`."""

    value: float
    unit: str
    size: str
    first_s: float | None = None
    wall_s: float | None = None
    cpu_s: float | None = None
    calls: int | None = None
    others_pct: float | None = None  # of our cores, used by others while we were timed
    p99: float | None = None  # of what `value` is the median of, or what else the note says
    rss_mb: float | None = None  # where it is not that of the measuring process
    note: str = ""


class Record(msgspec.Struct, kw_only=True, tag_field="kind", tag="measured"):
    """A line of the results."""

    row: str
    side: str
    cores: int
    quick: bool
    value: float
    unit: str
    size: str
    first_s: float | None
    wall_s: float | None
    cpu_s: float | None
    calls: int | None
    import_s: float
    rss_mb: float
    others_pct: float | None
    note: str
    p99: float | None = None

    @property
    def disturbed(self) -> bool:
        """Return whether others used so much of our cores that the figure says little."""
        return self.others_pct is not None and self.others_pct > NOISY_PCT


class Verdict(msgspec.Struct, kw_only=True, tag_field="kind", tag="verdict"):
    """A line of the results: whether a bar is reached."""

    row: str
    what: str
    value: float
    bar: str
    reached: bool
    counted: bool  # what was counted must be so, on any machine
    disturbed: bool  # one of its figures was: a slowed peer flatters us
    quick: bool
