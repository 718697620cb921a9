"""What a command says: its result on stdout, as a table or as JSON; progress and notes on stderr."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from textwrap import fill
from typing import Any

import msgspec
import numpy as np
from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from flotilla.clock import monotonic_ns

WIDTH = 120  # of what is not a terminal: a file, a pipe, CI
_HEADER = 9  # letters in a line of a header over figures, which are seldom wider
_ROOM = 100_000  # letters: more than any table needs
_SIZES = ("B", "kB", "MB", "GB", "TB")


def show(*parts: RenderableType) -> None:
    """Write to stdout: a result."""
    _print(_console(stderr=False), parts)


def note(*parts: RenderableType) -> None:
    """Write to stderr: what is done, and what could be done next."""
    _print(_console(stderr=True), parts)


def remarks(*told: str) -> None:
    """Write to stderr what the reader of a result must know, each once."""
    note(*(warning(f"note: {sentence}") for sentence in dict.fromkeys(told)))


def screen() -> Console:
    """Return what writes to stdout, for what is more than a result: one that stays, and changes."""
    return _console(stderr=False)


def show_json(value: Any) -> None:
    """Write `value` to stdout as JSON; what is not a finite number is null."""
    text = msgspec.json.format(msgspec.json.encode(value, enc_hook=_plain), indent=2)
    sys.stdout.write(text.decode() + "\n")


class Sheet(Table):
    """A table that leaves out whole columns where there is no room for all, and cuts no figure."""

    spare: tuple[int, ...] = ()  # its columns, by number, that may be left out, in this order

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table without the columns that there is no room for, which are named below it."""
        kept = list(range(len(self.columns)))
        wide = options.update(width=_ROOM)
        for column in self.columns:
            if column.no_wrap:  # else a figure with a space in it counts as wide as its longest part
                widest = [console.measure(cell, options=wide).maximum for cell in column.cells]
                column.min_width = max(column.min_width or 0, *widest, 0)
        for number in self.spare:
            if console.measure(self._only(kept), options=wide).minimum <= options.max_width:
                break
            kept.remove(number)
        yield from Table.__rich_console__(self._only(kept), console, options)
        left = [str(column.header) for n, column in enumerate(self.columns) if n not in kept]
        if left:
            names = ", ".join(" ".join(header.split()) for header in left)
            yield Text(f"no room for {names}: widen the terminal, or ask for --json", style="dim")

    def _only(self, kept: Sequence[int]) -> Sheet:
        """Return it with some of its columns, whose headers stand right above the rows."""
        headers = [str(self.columns[n].header) for n in kept]
        lines = max(header.count("\n") for header in headers)
        some = copy(self)
        some.columns = [
            replace(self.columns[n], _index=k, header="\n" * (lines - header.count("\n")) + header)
            for k, (n, header) in enumerate(zip(kept, headers, strict=True))
        ]
        return some


def table(*headers: str, spare: Sequence[int] = ()) -> Sheet:
    """Return an empty table. A header that begins with ">" is of figures: at the right, never cut in two.

    spare: the columns that may be left out in a narrow terminal, by number, in this order; else all but the
    first, from the right.
    """
    made = Sheet(box=box.SIMPLE_HEAD, show_edge=False, collapse_padding=True)
    made.spare = tuple(spare) or tuple(range(len(headers) - 1, 0, -1))
    for header in headers:
        figures = header.startswith(">")
        words = fill(header.removeprefix(">"), _HEADER, break_long_words=False) if figures else header
        widest = max(map(len, words.splitlines()), default=0) if figures else None
        made.add_column(
            words,
            justify="right" if figures else "left",
            no_wrap=figures,
            min_width=widest,
        )
    return made


def title(text: str) -> Text:
    """Return the words above a table."""
    return Text(text, style="bold")


def warning(text: str) -> Text:
    """Return words that should not be overlooked."""
    return Text(text, style="yellow")


def verdict(text: str, good: bool) -> Text:
    """Return the words that a check ends in."""
    return Text(text, style="bold green" if good else "bold red")


def judged(what: str, judgement: str, style: str) -> Text:
    """Return what was judged, and the judgement in its colour."""
    return Text.assemble(what, (judgement, style))


def command(*words: object) -> str:
    """Return a command of ours as it is typed into a shell.

    >>> command("run", "my study.yaml")
    "flotilla run 'my study.yaml'"
    """
    return shlex.join(["flotilla", *map(str, words)])


def steps(*lines: tuple[str, str]) -> Text:
    """Return commands that could come next, each with what it does."""
    wide = max(len(typed) for typed, _ in lines)
    rows = [Text.assemble("  ", (typed.ljust(wide), "bold"), "   ", words) for typed, words in lines]
    told = Text("\n").join([Text("Next:"), *rows])
    told.no_wrap, told.overflow = True, "ignore"  # to be copied
    return told


@contextmanager
def progress(what: str, unit: str, waits_for: str = "") -> Iterator[Callable[[int, int], None]]:
    """Show how far something is, on stderr; a line at its start and its end where that is no terminal.

    unit: what is counted. waits_for: why nothing may come for a while. Yields what is told how many are done
    and how many there are.
    """
    console, began = _console(stderr=True), monotonic_ns()
    if not console.is_terminal:
        counts: list[int] = []
        console.print(Text(f"{what} ... {waits_for}".rstrip()))
        yield lambda done, _total: counts.append(done)
        if counts:
            console.print(Text(f"{what}: {counts[-1]:,} {unit} in {(monotonic_ns() - began) / 1e9:.1f} s"))
        return
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn(unit), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(f"{what} ({waits_for})" if waits_for else what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total, description=what)


def size(count: float) -> str:
    """Return a number of bytes in three figures.

    >>> size(999), size(1_330_080), size(2.5e13)
    ('999 B', '1.33 MB', '25 TB')
    """
    for unit in _SIZES:
        if count < 999.5 or unit == _SIZES[-1]:
            return f"{count:.3g} {unit}"
        count /= 1000
    raise AssertionError("unreachable")


def utc(ts: int) -> str:
    """Return ns since 1970 as a date and a time, UTC.

    >>> utc(0)
    '1970-01-01 00:00'
    """
    return str(np.datetime64(ts, "ns").astype("datetime64[m]")).replace("T", " ")


def _print(console: Console, parts: Sequence[RenderableType]) -> None:
    for part in parts:
        # A line of words is one line in a file, whatever its length.
        console.print(part, soft_wrap=not console.is_terminal and isinstance(part, str | Text))


def _console(stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    wide = stream.isatty() or "COLUMNS" in os.environ
    return Console(file=stream, highlight=False, markup=False, emoji=False, width=None if wide else WIDTH)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON")
