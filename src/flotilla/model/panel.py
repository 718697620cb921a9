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
from typing import Any, NoReturn, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from flotilla.errors import ConfigError, UnknownName, nearest
from flotilla.model.span import instant, is_time
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

    def __getitem__(self, what: Any) -> Self:
        """Return one instrument, some of them in this order, or a slice of the bars.

        A slice is of rows, panel[100:200], or of time in the panel's zone, with both bounds in it:
        panel["2018":"2019-06-30"].
        """
        if isinstance(what, slice):
            return self._sliced(what)
        names = [what] if isinstance(what, str) else what.tolist() if hasattr(what, "tolist") else what
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ConfigError(
                'a panel is asked for instruments, panel["SPY"] or panel[["SPY", "TLT"]], and for bars, '
                f'panel[5:6] or panel["2018":]; not for {cut(what)}'
            )
        for name in names:
            if name in self.fields and name not in self.instruments:
                raise ConfigError(f'{name} is a field of the bars, and no instrument: panel.fields["{name}"]')
            if name not in self.instruments and is_time(name):
                raise ConfigError(f'bars of a time are a slice: panel["{name}":"{name}"]')
            if name not in self.instruments:
                raise UnknownName(f"instrument of {self.name}", str(name), self.instruments)
        return self.only(names)

    def _sliced(self, what: slice) -> Self:
        """Return a slice of the bars, by their rows or by their time."""
        if what.step not in (None, 1):
            raise ConfigError("bars are in the order of time: a slice has no step")
        bounds = [each for each in (what.start, what.stop) if each is not None]
        if all(isinstance(each, int | np.integer) for each in bounds):
            return self.rows(*slice(what.start, what.stop).indices(len(self.ts_event))[:2])
        a, b = 0, len(self.ts_event)
        if what.start is not None:
            a = int(np.searchsorted(self.ts_event, instant(what.start, self.zone)))
        if what.stop is not None:
            b = int(np.searchsorted(self.ts_event, instant(what.stop, self.zone, last=True)))
        return self.rows(a, max(a, b))

    def __getattr__(self, name: str) -> NoReturn:
        """Say where a field or an instrument is, and what there is."""
        if name.startswith("_"):
            raise AttributeError(f"a panel has no {name!r}")
        if name in self.fields:
            raise AttributeError(f'a panel has no {name!r} of its own: panel.fields["{name}"], float64[T, I]')
        if name in self.instruments:
            raise AttributeError(f'a panel has no {name!r} of its own: panel["{name}"]')
        if name in ("loc", "iloc", "head", "tail"):
            raise AttributeError(f'a panel has no {name!r}: panel["2018":] and panel[:100] are bars of it')
        known = {*vars(self), *(word for word in dir(type(self)) if not word.startswith("_"))}
        raise AttributeError(f"a panel has no {name!r}{nearest(name, known)}")

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
