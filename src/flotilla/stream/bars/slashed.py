"""Dates as 03/04/2024, of which the day or the month may come first: what a whole column tells about it.

1. A number above 12 in one place proves which place is the day's.
2. The order of the rows tells it too, where they rise or fall by one reading only (`by_order`).
3. Else nobody can know, and it has to be said: `date_format`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_SLASHED = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d\d)([T ]+\d{1,2}:\d\d(:\d\d)?( [AaPp][Mm])?)?")
_FEWEST = 3  # rows that rise or fall: of two every reading does


class Order(NamedTuple):
    """What a column tells. day_first: None where nothing tells it; why: what does, as a text that proves it.

    day, month: the formats of both readings, as strptime has them.
    """

    day_first: bool | None
    why: str
    day: str
    month: str

    @property
    def form(self) -> str:
        """Return the format that is told; where none is, that of the month first."""
        return self.day if self.day_first else self.month

    def is_told(self, *, either: bool) -> bool:
        """Say whether dates may be read so. either: both orders are usual; else the day first is asked."""
        return self.day_first is not None and (either or not self.day_first)

    @property
    def said(self) -> str:
        """Return how the dates are read, and what tells it."""
        return f"dates are read {'day' if self.day_first else 'month'} first, as {self.why}"

    @property
    def asked(self) -> tuple[str, str]:
        """Return what is not known, and what to do about it."""
        what = "day and month can be swapped in these dates, and are not guessed"
        if self.day_first is None:
            what += f": {self.why}" if self.why else ""
            return what, f'say how they are written: date_format: "{self.month}", or "{self.day}"'
        return f"{what}: {self.why} that the {'day' if self.day_first else 'month'} comes first", (
            f'say how they are written: date_format: "{self.form}"'
        )


def is_slashed(text: str) -> bool:
    """Say whether a text is a date of which the day or the month may come first."""
    return _SLASHED.fullmatch(text) is not None


def order_of(texts: Sequence[str], *, by_order: bool) -> Order:
    """Return what a column tells; cells of another shape are left out, and one at least has this one.

    by_order: the order of the rows may tell it too, as in a file that is of one instrument.
    """
    found = [part for text in texts if (part := _SLASHED.fullmatch(text)) is not None]
    day, month = _forms(found[0])
    numbers = np.array([(int(part[1]), int(part[3]), int(part[4])) for part in found], np.int64)
    first, second = (np.flatnonzero(numbers[:, place] > 12) for place in (0, 1))
    if len(first) and len(second):
        both = f"{found[first[0]][0]} and {found[second[0]][0]} are both there: it is no order"
        return Order(None, both, day, month)
    if len(first) or len(second):
        proof = found[(first if len(first) else second)[0]][0]
        return Order(bool(len(first)), f"{proof} proves", day, month)
    if by_order and len(found) >= _FEWEST:
        days_first, months_first = _runs(numbers[:, [2, 1, 0]]), _runs(numbers[:, [2, 0, 1]])
        if days_first != months_first:
            return Order(days_first, "the order of the rows tells", day, month)
    return Order(None, "", day, month)


def _runs(numbers: NDArray[np.int64]) -> bool:
    """Say whether dates rise, or fall, from row to row. numbers: int64[N, 3], year, month, day."""
    steps = np.diff((numbers[:, 0] * 12 + numbers[:, 1]) * 31 + numbers[:, 2])
    return bool((steps > 0).all() or (steps < 0).all())


def _forms(part: re.Match[str]) -> tuple[str, str]:
    """Return the format of a date with the day first, and with the month first, and its time of day."""
    mark, year = part[2], "%Y" if len(part[4]) == 4 else "%y"
    clock = "" if part[5] is None else f" {'%I' if part[7] else '%H'}:%M{':%S' if part[6] else ''}"
    clock += " %p" if part[7] else ""
    return f"%d{mark}%m{mark}{year}{clock}", f"%m{mark}%d{mark}{year}{clock}"
