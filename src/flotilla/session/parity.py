"""Live beside research: the same orders, fills, cash and equity, to the last bit, or where they part."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import msgspec
import numpy as np

from flotilla.live.result import LiveResult
from flotilla.model.records import Fill, Order
from flotilla.research import RunResult


class Side(NamedTuple):
    """One thing that both did, as it is printed."""

    what: str
    live: str
    research: str
    equal: bool


class Comparison(NamedTuple):
    """What both did, and where they differ."""

    sides: list[Side]
    differences: list[str]

    @property
    def equal(self) -> bool:
        """Return whether all is equal to the last bit."""
        return not self.differences


def compare(live: LiveResult, research: RunResult) -> Comparison:
    """Compare what live did with what research did with the same portfolio on the same bars."""
    records = {
        "orders": _records(live.orders, research.orders),
        "fills": _records(live.fills, research.fills),
    }
    curves = {
        "bars": _curve(live.ts, research.ts),
        "cash": _curve(live.cash, research.cash),
        "equity": _curve(live.equity, research.equity),
    }
    sides = [
        Side(name, f"{len(getattr(live, name)):,}", f"{len(getattr(research, name)):,}", not found)
        for name, found in records.items()
    ]
    sides += [
        Side("last fill", _last(live.fills), _last(research.fills), not records["fills"]),
        Side("bars of equity", f"{len(live.ts):,}", f"{len(research.ts):,}", not any(curves.values())),
        Side("final equity", *_finals(live, research, "{:,.2f}".format), not curves["equity"]),
        Side("  its bits", *_finals(live, research, float.hex), not curves["equity"]),
    ]
    return Comparison(
        sides, [f"{name}: {said}" for name, found in (records | curves).items() for said in found]
    )


def _finals(live: LiveResult, research: RunResult, spelled: Any) -> tuple[str, str]:
    return tuple(spelled(float(side.equity[-1])) if len(side.equity) else "" for side in (live, research))  # type: ignore[return-value]


def _last(fills: Sequence[Fill]) -> str:
    return f"{fills[-1].quantity:,.2f} {fills[-1].instrument} at {fills[-1].price:,.2f}" if fills else ""


def _records(live: Sequence[Order | Fill], research: Sequence[Order | Fill]) -> list[str]:
    """Return in how many records two lists differ, and the first of them; nothing if in none."""
    pairs = list(zip_longest(live, research))
    parting = [n for n, pair in enumerate(pairs) if None in pair or _bits(pair[0]) != _bits(pair[1])]
    if not parting:
        return []
    ours, theirs = pairs[parting[0]]
    if ours is None or theirs is None:
        said = f"live has {_id(ours)}, research {_id(theirs)}"
    else:
        a, b = _bits(ours), _bits(theirs)
        said = f"{_id(ours)}: " + "; ".join(
            f"{key} is {a[key]} in live and {b[key]} in research" for key in a if a[key] != b[key]
        )
    return [f"{len(parting):,} of {len(pairs):,} differ, first number {parting[0]}: {said}"]


def _curve(live: np.ndarray[Any, Any], research: np.ndarray[Any, Any]) -> list[str]:
    """Return in how many rows two columns differ in any bit, and the first of them; nothing if in none."""
    if len(live) != len(research):
        return [f"live has {len(live):,} rows, research {len(research):,}"]
    parting = np.flatnonzero(live.view(np.int64) != research.view(np.int64))
    if not len(parting):
        return []
    row = parting[0]
    said = f"{_spelled(live[row].item())} in live and {_spelled(research[row].item())} in research"
    return [f"{len(parting):,} of {len(live):,} rows differ, first row {row}: {said}"]


def _bits(record: Order | Fill | None) -> dict[str, str]:
    """Return what a record says; no two floats that differ in a bit are spelled alike."""
    fields = {} if record is None else msgspec.structs.asdict(record)
    return {name: _spelled(value) for name, value in fields.items()}


def _spelled(value: Any) -> str:
    return repr(float(value)) if isinstance(value, float) else str(value)


def _id(record: Order | Fill | None) -> str:
    return "none" if record is None else record.fill_id if isinstance(record, Fill) else record.order_id
