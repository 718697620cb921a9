"""A panel: the market's bars as arrays, time by instrument.

`panel_of` in `stream/bars/draft.py` is the one door that checks and builds panels;
whoever holds one may rely on what is said here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import fields as parts_of
from datetime import date
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from flotilla.errors import ConfigError, UnknownName
from flotilla.words import counted, cut

FIELDS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, eq=False)
class Panel:
    """T bars of I instruments; a row is known, and may be acted on, from its `ts_recv`.

    ts_event: int64[T], the start of each bar; ts_recv: int64[T], its end; ns since 1970,
    UTC, both strictly rising. For daily data a bar is the session date: it starts at that
    date's midnight UTC and ends at the next.
    fields: name -> float64[T, I], C-contiguous. "close" is always there; open, high, low
    and volume where the data have them. Prices are finite and > 0, volume finite and >= 0,
    or NaN: not published. A bar that did not trade is a NaN row of its instrument.
    ticks_per_unit: float64[I]; every price is a whole multiple of 1 / ticks_per_unit
    exactly; 0 where that is not known.
    identity: hex, of the content: equal identities are equal panels.
    zone: where its sessions are, "America/New_York": the days, weeks and months of the calendar begin at
    midnight there. UTC for session dates.
    remarks: what a reader of results must know of the data and cannot see in them, a sentence each; they
    are no part of the content.

    Nothing of it can be written to: what is computed from it is kept under its identity.
    """

    ts_event: NDArray[np.int64]
    ts_recv: NDArray[np.int64]
    instruments: tuple[str, ...]
    fields: Mapping[str, NDArray[np.float64]]
    ticks_per_unit: NDArray[np.float64]
    identity: str
    name: str
    zone: str = "UTC"
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Take the arrays as views that cannot be written to."""
        for name in ("ts_event", "ts_recv", "ticks_per_unit"):
            object.__setattr__(self, name, _fixed(getattr(self, name)))
        fixed = {name: _fixed(values) for name, values in self.fields.items()}
        object.__setattr__(self, "fields", MappingProxyType(fixed))

    def __reduce__(self) -> tuple[type[Panel], tuple[Any, ...]]:
        """Return how it is built again elsewhere: the view of the fields cannot be sent."""
        values = {part.name: getattr(self, part.name) for part in parts_of(self)}
        return Panel, tuple({**values, "fields": dict(self.fields)}.values())

    def __repr__(self) -> str:
        """Return a line for a notebook: all of its bars would fill screens."""
        bars, instruments = self.shape
        ends = self.ts_event[[0, -1]] if bars else self.ts_event
        span = " to ".join(str(day) for day in ends.astype("datetime64[ns]").astype("datetime64[D]"))
        told = ", ".join(self.fields)
        what = f"{counted(bars, 'bar')} of {counted(instruments, 'instrument')}"
        return f"Panel({self.name}: {what}, {span or 'none'}; {told})"

    @property
    def shape(self) -> tuple[int, int]:
        """Return (T, I)."""
        return len(self.ts_event), len(self.instruments)

    def __getitem__(self, what: str | list[str] | slice) -> Self:
        """Return one instrument, some of them in this order, or a slice of the bars."""
        if isinstance(what, slice):
            if what.step not in (None, 1):
                raise ConfigError("bars are in the order of time: a slice has no step")
            return self.rows(*slice(what.start, what.stop).indices(len(self.ts_event))[:2])
        names = [what] if isinstance(what, str) else what
        if not isinstance(names, list):
            raise ConfigError(f"a panel has instruments and slices of bars, and no {cut(what)}")
        for name in names:
            if name not in self.instruments:
                raise UnknownName(f"instrument of {self.name}", str(name), self.instruments)
        return self.only(names)

    def rows(self, a: int, b: int) -> Self:
        """Return bars a..b (b not included, as a slice reads them), as views.

        Its identity is made of this one's and the bounds, so it costs nothing.
        """
        a, b, _ = slice(a, b).indices(len(self.ts_event))
        if (a, b) == (0, len(self.ts_event)):
            return self
        return replace(
            self,
            ts_event=self.ts_event[a:b],
            ts_recv=self.ts_recv[a:b],
            fields={name: values[a:b] for name, values in self.fields.items()},
            identity=blake2b(f"{self.identity}[{a}:{b}]".encode(), digest_size=16).hexdigest(),
        )

    def only(self, instruments: Sequence[str]) -> Self:
        """Return the bars of some instruments, in this order. KeyError where one is not there."""
        names = tuple(instruments)
        if names == self.instruments:
            return self
        place = {name: i for i, name in enumerate(self.instruments)}
        columns = [place[name] for name in names]
        return replace(
            self,
            instruments=names,
            fields={name: np.ascontiguousarray(values[:, columns]) for name, values in self.fields.items()},
            ticks_per_unit=self.ticks_per_unit[columns],
            identity=blake2b(f"{self.identity}{names!r}".encode(), digest_size=16).hexdigest(),
        )


def _fixed(values: NDArray[Any]) -> NDArray[Any]:
    view = values.view()
    view.setflags(write=False)
    return view


class Source(Protocol):
    """What gives panels: a class of the entry-point group flotilla.sources, built with keywords."""

    def panel(
        self, start: date | None = None, end: date | None = None, instruments: Sequence[str] | None = None
    ) -> Panel:
        """Return the bars from day `start` to day `end`, both included, by ts_event in UTC.

        None is no limit, or every instrument there is. The columns are in the order asked for.
        """
