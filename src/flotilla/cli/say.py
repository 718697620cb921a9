"""What a command says: its result on stdout, as a table or as JSON; progress and notes on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from textwrap import fill
from typing import Any

import msgspec
import numpy as np
from rich import box
from rich.console import Console, RenderableType
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
_SIZES = ("B", "kB", "MB", "GB", "TB")


def show(*parts: RenderableType) -> None:
    """Write to stdout: a result."""
    _print(_console(stderr=False), parts)


def note(*parts: RenderableType) -> None:
    """Write to stderr: what is done, and what could be done next."""
    _print(_console(stderr=True), parts)


def show_json(value: Any) -> None:
    """Write `value` to stdout as JSON; what is not a finite number is null."""
    text = msgspec.json.format(msgspec.json.encode(value, enc_hook=_plain), indent=2)
    sys.stdout.write(text.decode() + "\n")


def table(*headers: str) -> Table:
    """Return an empty table. A header that begins with ">" is of figures: at the right, never cut in two."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, collapse_padding=True)
    for header in headers:
        figures = header.startswith(">")
        words = fill(header.removeprefix(">"), _HEADER) if figures else header
        made.add_column(words, justify="right" if figures else "left", no_wrap=figures, vertical="bottom")
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


def steps(*lines: tuple[str, str]) -> Text:
    """Return commands that could come next, each with what it does."""
    wide = max(len(command) for command, _ in lines)
    rows = [Text.assemble("  ", (command.ljust(wide), "bold"), "   ", words) for command, words in lines]
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
