"""Corporate actions: kinds, ratios and amounts that there cannot be, and days on which nothing happens."""

from __future__ import annotations

from collections import Counter

import numpy as np

from flotilla.clock import DAY_NS
from flotilla.stream.bars.findings import Verdict
from flotilla.stream.bars.quality.calendar import DEFAULT, sessions
from flotilla.stream.bars.quality.note import Notes
from flotilla.stream.bars.quality.sheet import sheet_numbers

KINDS = ("split", "dividend")
# Cash for one share that is more than nearly any share costs, where no price is there to compare with.
DEAR = 500.0
ASIDE = Verdict.QUARANTINE


def look(notes: Notes, ts: np.ndarray[tuple[int], np.dtype[np.int64]], calendar: str | None) -> None:
    """Note what is wrong with corporate actions. ts: int64[N] ns, the ex-dates."""
    sheet, names = notes.sheet, notes.sheet.names
    kinds = np.array([text.strip().lower() for text in sheet.texts("kind")])
    value, _ = sheet_numbers(sheet.columns[names["value"]])
    seen: Counter[str] = Counter()
    again = []
    for row in range(sheet.length):
        seen[sheet.raw(row)] += 1
        again += [row] if seen[sheet.raw(row)] > 1 else []
    mend = "leave these rows out"
    notes.rows("duplicate_action", ASIDE, again, "an action is listed twice", mend)
    days = ts // DAY_NS
    if len(days):
        named = calendar or DEFAULT
        closed = ~np.isin(days, sessions(named, int(days.min()), int(days.max()) + 1))
        weekend = (days + 3) % 7 >= 5
        shut = closed if calendar else weekend
        what = f"{named} was closed" if calendar else "a day is a Saturday or a Sunday"
        notes.rows("not_a_session", ASIDE, np.flatnonzero(shut), f"{what} on the day of an action", mend)
    split, paid = kinds == "split", kinds == "dividend"
    what = "a split's ratio is not above zero"
    notes.rows("bad_ratio", ASIDE, np.flatnonzero(split & ~(value > 0)), what, mend)
    notes.rows(
        "negative_dividend", ASIDE, np.flatnonzero(paid & (value < 0)), "a dividend is below zero", mend
    )
    price = (
        sheet_numbers(sheet.columns[names["reference_close"]])[0]
        if "reference_close" in names
        else np.full(len(value), DEAR)
    )
    above = np.flatnonzero(paid & (value >= price))
    notes.rows("dividend_exceeds_price", ASIDE, above, "a dividend is as much as its share costs", mend)
    other = np.flatnonzero(~np.isin(kinds, KINDS))
    notes.rows("unknown_kind", ASIDE, other, f"a kind is none of {', '.join(KINDS)}", mend)
