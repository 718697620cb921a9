"""Bars as rows, in the order of the file: what could be read of a sheet, and where each row stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from flotilla.clock import DAY_NS
from flotilla.model.arrays import Flags, Floats, Ints
from flotilla.stream.bars.draft import PRICES, stamp_text
from flotilla.stream.bars.findings import Verdict
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.quality.frequency import usual_step
from flotilla.stream.bars.quality.note import Notes
from flotilla.stream.bars.quality.sheet import sheet_numbers
from flotilla.stream.bars.quality.times import FileTimes


@dataclass(frozen=True)
class FileRows:
    """N bars. at: int64[N] their rows in the sheet; ts: int64[N] ns UTC; who: int64[N] into names.

    fields: name -> float64[N], NaN where no number is published. alone: the table is of one instrument only.
    """

    at: Ints
    ts: Ints
    who: Ints
    names: tuple[str, ...]
    fields: dict[str, Floats]
    are_dates: bool
    alone: bool = False

    @property
    def step(self) -> int:
        """Return the usual step between bars of one instrument, ns; a day for dates; 0 if there is none."""
        if self.are_dates:
            return DAY_NS
        steps = Counter(usual_step(part.ts) for part in self.each())
        return max(steps, key=lambda step: steps[step]) if steps else 0

    def only(self, mask: Flags | Ints) -> FileRows:
        """Return some of the rows."""
        fields = {name: values[mask] for name, values in self.fields.items()}
        return FileRows(
            self.at[mask], self.ts[mask], self.who[mask], self.names, fields, self.are_dates, self.alone
        )

    def each(self) -> Iterator[FileRows]:
        """Yield each instrument's rows, in order of time."""
        order = np.lexsort((self.ts, self.who))
        edges = np.flatnonzero(np.diff(self.who[order])) + 1
        yield from (self.only(part) for part in np.split(order, edges) if len(part))

    def stamp(self, ts: int) -> str:
        """Return a time of these bars as a person reads it."""
        return stamp_text(ts, DAY_NS if self.are_dates else 1)


def rows_of(
    notes: Notes,
    times: FileTimes,
    symbol: str | None,
    fields: dict[str, str],
    instrument: str,
    options: Options,
) -> FileRows:
    """Return a sheet's bars, one or several instruments below each other; note cells that are no numbers.

    symbol: the column of symbols. fields: field -> column. instrument: the name where there is no symbol.
    """
    who, names = _symbols(notes, symbol, instrument)
    numbers = {field: _numbers(notes, column, options) for field, column in fields.items()}
    rows = FileRows(np.arange(len(who)), times.ts, who, names, numbers, times.are_dates, symbol is None)
    return rows.only(times.known)


def _numbers(notes: Notes, column: str, options: Options) -> Floats:
    values, wrong = sheet_numbers(notes.sheet.columns[column], options)
    cells = notes.sheet.columns[column]
    notes.rows(
        "not_a_number",
        Verdict.REJECT,
        np.flatnonzero(wrong),
        f"a cell of {column} is not a number",
        "write 1234.5; leave what is unknown empty",
        lambda row: f"{notes.sheet.place(row)}: {column} {cells[row].as_py()!r} in {notes.sheet.raw(row)}",
    )
    return values


def _symbols(notes: Notes, symbol: str | None, instrument: str) -> tuple[Ints, tuple[str, ...]]:
    """Return each row's instrument as a number, and their names in one spelling each."""
    if symbol is None:
        return np.zeros(notes.sheet.length, np.int64), (instrument,)
    texts = notes.sheet.texts(symbol)
    best = spelled(texts)
    names = tuple(dict.fromkeys(best))
    number = {name: n for n, name in enumerate(names)}
    odd = [row for row, (text, name) in enumerate(zip(texts, best, strict=True)) if text != name]
    several = sorted({repr(texts[row]) for row in odd} | {repr(best[row]) for row in odd})
    what = f"a symbol is spelt in several ways: {', '.join(several[:6])}"
    mend = "spell each in one way, without blanks around it"
    notes.rows("symbol_spelling", Verdict.REPAIR, odd, what, mend)
    return np.array([number[name] for name in best], np.int64), names


def spelled(texts: list[str]) -> list[str]:
    """Return symbols in one spelling each: the most frequent of those that differ in case and blanks only.

    >>> spelled(["AIG", "aig", "AIG ", "AIG"])
    ['AIG', 'AIG', 'AIG', 'AIG']
    """
    groups: dict[str, Counter[str]] = {}
    for text, count in Counter(texts).items():
        groups.setdefault(text.strip().casefold(), Counter())[text.strip()] += count
    best = {key: spellings.most_common(1)[0][0] for key, spellings in groups.items()}
    return [best[text.strip().casefold()] for text in texts]


def prices_of(fields: dict[str, Floats]) -> list[Floats]:
    """Return the prices among fields."""
    return [values for name, values in fields.items() if name in PRICES]
