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
from flotilla.words import counted

SHOWN = 5  # differences of a kind that are spelled out


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
    """Return where two lists of records differ, the first few spelled out."""
    found = []
    for n, (ours, theirs) in enumerate(zip_longest(live, research)):
        if ours is None or theirs is None:
            found.append(f"number {n}: live has {_id(ours)}, research {_id(theirs)}")
            continue
        a, b = _bits(ours), _bits(theirs)
        parts = [f"{key} {a[key]} and {b[key]}" for key in a if a[key] != b[key]]
        if parts:
            found.append(f"number {n}, {_id(ours)}: live and research have {'; '.join(parts)}")
    return _few(found)


def _curve(live: np.ndarray[Any, Any], research: np.ndarray[Any, Any]) -> list[str]:
    """Return where two columns differ in any bit, the first few spelled out."""
    if len(live) != len(research):
        return [f"live has {counted(len(live), 'row')}, research {len(research):,}"]
    parting = np.flatnonzero(live.view(np.int64) != research.view(np.int64))
    return _few(
        [f"row {row}: live {_spelled(live[row])}, research {_spelled(research[row])}" for row in parting]
    )


def _few(found: list[str]) -> list[str]:
    more = len(found) - SHOWN
    return [*found[:SHOWN], f"and {more:,} more"] if more > 0 else found


def _bits(record: Order | Fill) -> dict[str, str]:
    return {name: _spelled(value) for name, value in msgspec.structs.asdict(record).items()}


def _spelled(value: Any) -> str:
    return float(value).hex() if isinstance(value, float) else str(value)


def _id(record: Order | Fill | None) -> str:
    return "none" if record is None else record.fill_id if isinstance(record, Fill) else record.order_id
