"""What is noted while a sheet is looked at: findings with their rows, and the rows that are set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from flotilla.model.arrays import Ints
from flotilla.stream.bars.findings import Finding, Findings, Verdict
from flotilla.stream.bars.quality.sheet import FileSheet

MOST_PLACES = 10_000  # that a finding lists for programs; a person is shown the first few


def gathered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings, those of one kind as one: what was found in each instrument is told once."""
    kinds: dict[tuple[str, Verdict, str, str], Finding] = {}
    for found in findings:
        kind = (found.code, found.verdict, found.what, found.mend)
        if (first := kinds.get(kind)) is not None:
            kinds[kind] = replace(
                first,
                count=first.count + found.count,
                places=(first.places + found.places)[:MOST_PLACES],
                rows=tuple(sorted({*first.rows, *found.rows})),
            )
        else:
            kinds[kind] = found
    return tuple(kinds.values())


class Notes:
    """Findings about one sheet, each with its rows as the file has them."""

    def __init__(self, sheet: FileSheet, findings: Findings) -> None:
        self.sheet, self.findings = sheet, findings

    def rows(
        self,
        code: str,
        verdict: Verdict,
        rows: Iterable[int] | Ints,
        what: str,
        mend: str,
        told: Callable[[int], str] | None = None,
    ) -> None:
        """Note rows of the sheet. told: row -> what a message shows of it; else the row as it is written."""
        at = sorted({int(row) for row in rows})
        shown = map(told, at) if told else self.sheet.shown(at)
        self.findings.add(len(at), what, shown, mend, code=code, verdict=verdict, rows=at, kept=MOST_PLACES)

    def stretch(
        self, code: str, verdict: Verdict, rows: Iterable[int] | Ints, said: str, what: str, mend: str
    ) -> None:
        """Note rows that are one thing together, told in one sentence."""
        at = [int(row) for row in rows]
        self.findings.add(1, what, [said], mend, code=code, verdict=verdict, rows=at)

    def places(
        self, code: str, verdict: Verdict, count: int, places: Iterable[str], what: str, mend: str
    ) -> None:
        """Note something of which no row can be named: what is missing."""
        self.findings.add(count, what, places, mend, code=code, verdict=verdict, kept=MOST_PLACES)

    @property
    def aside(self) -> set[int]:
        """Return the rows that may not be loaded."""
        return {
            row
            for found in self.findings
            if found.verdict >= Verdict.QUARANTINE or found.code == "duplicate_exact"
            for row in found.rows
        }

    @property
    def rejected(self) -> bool:
        """Say whether the whole may not be loaded."""
        return any(found.verdict is Verdict.REJECT for found in self.findings)
