"""Several Drafts as one: the union of their times, an instrument where a file has one.

An instrument may be in several files, as a file for each month has it, but not twice at one time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from flotilla.clock import DAY_NS
from flotilla.errors import DataError, OutOfOrderError
from flotilla.model.arrays import Stamps
from flotilla.stream.bars.draft import PRICES, Draft, stamp_text
from flotilla.stream.bars.findings import Findings, refuse
from flotilla.stream.bars.heads import stem_of
from flotilla.stream.bars.named import instrument_of
from flotilla.stream.bars.sizes import check_fits
from flotilla.words import counted, lasting

_WEEKS = 5 * DAY_NS  # days this far apart are no days but weeks, or more
_SHOWN = 3


@dataclass
class _Column:
    """Where the bars of an instrument come from. parts: (draft, its column, its rows among all times)."""

    at: int
    parts: list[tuple[Draft, int, NDArray[np.intp]]] = field(default_factory=list)

    def place(self, t: int) -> str:
        """Return where the bar of row t stands."""
        for draft, i, rows in self.parts:
            n = int(np.searchsorted(rows, t))
            if n < len(rows) and rows[n] == t and (told := draft.place(n, i)):
                return f"{draft.name} {told}"
        return ""


def joined(drafts: Sequence[Draft], name: str) -> Draft:
    """Return the bars of all drafts, each in order; DataError where they cannot be of one panel."""
    _check_alike(drafts, name)
    first = drafts[0]
    times = _union([draft.ts for draft in drafts])
    columns: dict[str, _Column] = {}
    for draft in drafts:
        rows = np.searchsorted(times, draft.ts)
        for i, instrument in enumerate(draft.instruments):
            column = columns.setdefault(instrument, _Column(len(columns)))
            column.parts.append((draft, i, rows))
    there = tuple(dict.fromkeys(field for draft in drafts for field in draft.fields))
    check_fits(name, 8 * len(there) * len(times) * len(columns), "its bars side by side")
    findings = Findings(name)
    _check_once(columns, times, first.step, findings)
    arrays = {field: np.full((len(times), len(columns)), np.nan) for field in there}
    for column in columns.values():
        for draft, i, rows in column.parts:
            known = np.logical_or.reduce([~np.isnan(values[:, i]) for values in draft.fields.values()])
            for field_, values in draft.fields.items():
                arrays[field_][rows[known], column.at] = values[known, i]
    places = [*columns.values()]
    return Draft(
        name, times, first.step, tuple(columns), arrays, lambda t, i: places[i].place(t), findings,
        *_zone(drafts, name),
    )  # fmt: skip


def _zone(drafts: Sequence[Draft], name: str) -> tuple[str, tuple[str, ...]]:
    """Return the zone in which days begin, and the remarks: one more where the files' zones differ."""
    zones = list(dict.fromkeys(draft.zone for draft in drafts))
    remarks = told_of_many([(draft.name, draft.remarks) for draft in drafts])
    if len(zones) == 1:
        return zones[0], remarks
    told = f"{name}: its files have times of several zones, {_some(zones)}: days begin as in UTC, or say zone"
    return "UTC", (told, *remarks)


def _union(stamps: list[Stamps]) -> Stamps:
    if all(np.array_equal(ts, stamps[0]) for ts in stamps[1:]):
        return stamps[0]
    return np.unique(np.concatenate(stamps))


def _check_alike(drafts: Sequence[Draft], name: str) -> None:
    """Refuse files whose bars are of other lengths, or have other prices."""
    lengths: dict[str, list[str]] = {}
    prices: dict[str, list[str]] = {}
    for draft in drafts:
        lengths.setdefault(_length(draft), []).append(draft.name)
        there = [field for field in PRICES if field in draft.fields]
        prices.setdefault(", ".join(there), []).append(draft.name)
    for groups, what, mend in (
        (lengths, "bars of several lengths", "read those of one length, or make them so"),
        (prices, "several sets of prices", "read those that have the same"),
    ):
        if len(groups) > 1:
            told = "; ".join(f"{kind}: {_some(names)}" for kind, names in groups.items())
            raise refuse(name, f"its files have {what}: {told}", mend, "mixed_frequency")


def _length(draft: Draft) -> str:
    apart = np.diff(draft.ts)
    if draft.step == DAY_NS and len(apart) > 1 and int(apart.min()) >= _WEEKS:
        return "weeks or more"
    return lasting(draft.step)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"


def _check_once(columns: dict[str, _Column], times: Stamps, step: int, findings: Findings) -> None:
    """Find instruments that have a bar in two files at one time."""
    places = []
    for instrument, column in columns.items():
        if len(column.parts) < 2:
            continue
        owner = np.full(len(times), -1)
        for n, (draft, i, rows) in enumerate(column.parts):
            here = rows[~np.isnan(draft.fields["close"][:, i])]
            again = here[owner[here] >= 0]
            if len(again):
                other = column.parts[int(owner[again[0]])][0].name
                when = stamp_text(times[again[0]], step)
                shared = counted(len(again), "bar")
                places.append(f"{instrument}: {other} and {draft.name}, {shared} from {when}")
            owner[here] = n
    what = "an instrument is in two files for the same time"
    mend = "keep the true one; a file is called as its instrument where it has no column of symbols"
    kind: type[DataError] = OutOfOrderError
    findings.add(len(places), what, places, mend, kind, code="duplicate_conflict")
    findings.raise_if_any()


def told_of_many(remarks: Sequence[tuple[str, Sequence[str]]]) -> tuple[str, ...]:
    """Return the remarks on files, those that differ by the file's name alone as one.

    remarks: of each file its name and what is said of it.
    """
    alike: dict[str, list[str]] = {}
    for name, said in remarks:
        for remark in said:
            bare = remark.replace(name, "").replace(stem_of(name), "")
            alike.setdefault(bare.replace(instrument_of(stem_of(name)), ""), []).append(remark)
    return tuple(
        told[0] if len(told) == 1 else f"{told[0]} (and so of {counted(len(told) - 1, 'file')} more)"
        for told in alike.values()
    )
