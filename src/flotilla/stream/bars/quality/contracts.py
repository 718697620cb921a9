"""Futures, by the names ROOT-YYYYMM: months that there are not, bars after expiry, prices off the tick."""

from __future__ import annotations

import re
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from flotilla.clock import DAY_NS
from flotilla.stream.bars.findings import Verdict
from flotilla.stream.bars.quality.note import Notes
from flotilla.stream.bars.quality.rows import FileRows, prices_of
from flotilla.stream.bars.quality.ticks import off_tick

_FUTURE = re.compile(r"([A-Z0-9]+)-(\d{4})(\d\d)")
# Index futures end on the third Friday; of the others only the end of the month is known.
_THIRD_FRIDAY = frozenset(
    {"ES", "MES", "NQ", "MNQ", "YM", "MYM", "RTY", "M2K", "FESX", "FDAX", "FDXM", "FSMI"}
)
YEARS = (1850, 2200)  # of contracts that there may have been
ASIDE, MEND = Verdict.QUARANTINE, "correct these rows or leave them out"


def look(notes: Notes, rows: FileRows, bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Note what cannot be of futures; return which rows that are, bool[N]. bad: those known already."""
    wrong = np.zeros(len(rows.at), np.bool_)
    for who, name in enumerate(rows.names):
        parts = _FUTURE.fullmatch(name)
        mine = (rows.who == who) & ~bad
        if parts is None or not mine.any():
            continue
        year, month = int(parts[2]), int(parts[3])
        if not (1 <= month <= 12 and YEARS[0] <= year <= YEARS[1]):
            notes.rows("bad_contract", ASIDE, rows.at[mine], f"{name} is of a month that there is not", MEND)
            wrong |= mine
            continue
        last = expiry(parts[1], year, month)
        late = mine & (rows.ts // DAY_NS > (last - date(1970, 1, 1)).days)
        notes.rows("after_expiry", ASIDE, rows.at[late], f"a bar of {name} after its expiry on {last}", MEND)
        at = np.flatnonzero(mine & ~late)
        tick, off = off_tick(prices_of(rows.only(at).fields))
        notes.rows(
            "off_tick", ASIDE, rows.at[at[off]], f"a price of {name} is off the tick of {tick:g}", MEND
        )
        wrong |= late
        wrong[at[off]] = True
    return wrong


def expiry(root: str, year: int, month: int) -> date:
    """Return the last day that a contract can trade: the third Friday, or the month's end at the latest."""
    first = date(year, month, 1)
    if root in _THIRD_FRIDAY:
        return first + timedelta(days=(4 - first.weekday()) % 7 + 14)
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
