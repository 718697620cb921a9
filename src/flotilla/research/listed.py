"""Say of instruments that have no prices for all of a period what becomes of their money in a simulation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from flotilla.clock import DAY_NS
from flotilla.model.arrays import Floats, Stamps
from flotilla.words import counted

LONG = 14 * DAY_NS  # no market is closed so long, but in a war
PART = 10  # of a period that is short: a tenth of its bars, and two at least
NAMED = 3  # instruments; the rest is counted


def remarks_on_listing(ts: Stamps, instruments: Sequence[str], close: Floats, equal: bool) -> tuple[str, ...]:
    """Return a sentence for each kind of instrument: without any price, listed late, gone before the end.

    ts: int64[T], ns UTC, rising, of the bars that are traded, and close: float64[T, I], NaN where there is no
    price. equal: each instrument gets the same part of the equity. A gap of a few bars is none of the kinds.
    """
    there = np.isfinite(close)
    rows, never = len(ts), there.sum(axis=0) == 0
    first, last = there.argmax(axis=0), rows - 1 - there[::-1].argmax(axis=0)
    few = max(2, rows // PART)
    late = ~never & ((first >= few) | ((first > 0) & (ts[first] - ts[0] >= LONG)))
    gone = ~never & ((rows - 1 - last >= few) | ((last < rows - 1) & (ts[-1] - ts[last] >= LONG)))
    share = f", 1 of {len(instruments)}," if equal else ""

    def said(which: NDArray[np.bool_], rows_of: NDArray[np.int64] | None, has: str) -> str:
        found = np.flatnonzero(which).tolist()
        days = [f" on {_day(ts[rows_of[i]])}" if rows_of is not None else "" for i in found]
        if len(found) == 1:
            return f"{instruments[found[0]]} has {has}{days[0]}"
        named = ", ".join(f"{instruments[i]}{day}" for i, day in zip(found[:NAMED], days, strict=False))
        more = f" and {len(found) - NAMED:,} more" if len(found) > NAMED else ""
        return f"{counted(len(found), 'instrument')} of {len(instruments):,} have {has}: {named}{more}"

    def stays(which: NDArray[np.bool_]) -> str:
        return f"its share{share} stays in cash" if which.sum() == 1 else "their shares stay in cash"

    told = []
    if never.any():
        told.append(f"{said(never, None, 'no price on any bar that is traded')}; {stays(never)}")
    if late.any():
        told.append(f"{said(late, first, 'the first price')}; until then {stays(late)}")
    if gone.any():
        held = "it is" if gone.sum() == 1 else "they are"
        told.append(f"{said(gone, last, 'the last price')}; from then on {held} held at that price")
    return tuple(told)


def _day(ts: np.int64) -> str:
    return str(np.datetime64(int(ts), "ns").astype("datetime64[D]"))
