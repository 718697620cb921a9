"""What is wrong with some data: every finding with its count and places, in one message.

A loader that stops at the first bad cell makes its user fix a file one run at a time. So
the checks add what they find here, and `raise_if_any` raises once, for all.

A finding's `code` is its name for programs and for docs/data.md; it stays when the words change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice

from flotilla.errors import DataError

SHOWN = 5  # places that a message names for each finding


class Verdict(IntEnum):
    """What becomes of data: of a finding its own, of a file its gravest."""

    OK = 0
    WARN = 1  # loaded as it is, and said
    REPAIR = 2  # loaded after a mend that loses and invents nothing, and said
    QUARANTINE = 3  # the good rows may be loaded, the bad ones are set aside and listed
    REJECT = 4  # nothing of it may be loaded

    def __str__(self) -> str:
        """Return it as it is typed and shown."""
        return self.name.lower()


@dataclass(frozen=True)
class Finding:
    """One kind of defect: how often, where (the first few), and what to do about it.

    rows: the rows of the file that it is about, from 0, where it is about some.
    """

    count: int
    what: str
    places: tuple[str, ...]
    mend: str
    error: type[DataError] = DataError
    code: str = ""
    verdict: Verdict = Verdict.REJECT
    rows: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return the finding as indented lines."""
        first = self.places[:SHOWN]
        more = [f"... and {self.count - len(first)} more"] if self.count > len(first) else []
        places = [f"    {place}" for place in [*first, *more]] if first else []
        return "\n".join([f"  {self.count} x {self.what}", *places, f"    mend: {self.mend}"])


class Findings:
    """The findings about one piece of data, called `name` in the message."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._found: list[Finding] = []

    def add(
        self,
        count: int,
        what: str,
        places: Iterable[str],
        mend: str,
        error: type[DataError] = DataError,
        *,
        code: str = "",
        verdict: Verdict = Verdict.REJECT,
        rows: Iterable[int] = (),
        kept: int = SHOWN,
    ) -> None:
        """Note a defect that occurs `count` times; of `places` only the first `kept` are asked for."""
        if count:
            shown = tuple(islice(places, min(kept, count)))
            self._found.append(Finding(count, what, shown, mend, error, code, verdict, tuple(map(int, rows))))

    def extend(self, others: Iterable[Finding]) -> None:
        """Take over what others found."""
        self._found += others

    def __iter__(self) -> Iterator[Finding]:
        """Yield what was found, in the order of finding."""
        return iter(self._found)

    def __bool__(self) -> bool:
        """Say whether anything was found."""
        return bool(self._found)

    def raise_if_any(self) -> None:
        """Raise DataError, or the kind that all findings share, if anything was found."""
        if not self._found:
            return
        kinds = {finding.error for finding in self._found}
        error = kinds.pop() if len(kinds) == 1 else DataError
        told = error("\n".join([f"{self.name} cannot be used:", *map(str, self._found)]))
        told.findings = tuple(self._found)
        raise told


def refuse(name: str, what: str, mend: str, code: str = "") -> DataError:
    """Return the error for data of which nothing can be read at all."""
    told = DataError(f"{name} cannot be used: {what}\n    mend: {mend}")
    told.findings = (Finding(1, what, (), mend, code=code),)
    return told
