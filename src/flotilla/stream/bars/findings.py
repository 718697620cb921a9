"""What is wrong with some data: every finding with its count and places, in one message.

A loader that stops at the first bad cell makes its user fix a file one run at a time. So
the checks add what they find here, and `settle` raises once, for all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from flotilla.errors import DataError

SHOWN = 5  # places that a message names for each finding


@dataclass(frozen=True)
class Finding:
    """One kind of defect: how often, where (the first few), and what to do about it."""

    count: int
    what: str
    places: tuple[str, ...]
    mend: str
    error: type[DataError] = DataError

    def __str__(self) -> str:
        """Return the finding as indented lines."""
        more = [f"... and {self.count - len(self.places)} more"] if self.count > len(self.places) else []
        places = [f"    {place}" for place in [*self.places, *more]] if self.places else []
        return "\n".join([f"  {self.count} x {self.what}", *places, f"    mend: {self.mend}"])


class Findings:
    """The findings about one piece of data, called `name` in the message."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._found: list[Finding] = []

    def add(
        self, count: int, what: str, places: Iterable[str], mend: str, error: type[DataError] = DataError
    ) -> None:
        """Note a defect that occurs `count` times; of `places` only the first few are asked for."""
        if count:
            self._found.append(Finding(count, what, tuple(islice(places, min(SHOWN, count))), mend, error))

    def extend(self, others: Findings) -> None:
        """Take over what others found."""
        self._found += others._found

    def __bool__(self) -> bool:
        """Say whether anything was found."""
        return bool(self._found)

    def settle(self) -> None:
        """Raise DataError, or the kind that all findings share, if anything was found."""
        if not self._found:
            return
        kinds = {finding.error for finding in self._found}
        error = kinds.pop() if len(kinds) == 1 else DataError
        raise error("\n".join([f"{self.name} cannot be used:", *map(str, self._found)]))


def refuse(name: str, what: str, mend: str) -> DataError:
    """Return the error for data of which nothing can be read at all."""
    return DataError(f"{name} cannot be used: {what}\n    mend: {mend}")
