"""Print what was measured, for people."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from bench.records import Record, Verdict


def new_table() -> Table:
    """Return an empty table of measurements."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("row", "who"):
        table.add_column(name, no_wrap=True)
    for name in ("cores", "value", "", "p99", "first s", "warm s", "cpu s", "import s", "MB", "others %"):
        table.add_column(name, justify="left" if not name else "right", no_wrap=True)
    table.add_column("what")
    return table


def add(table: Table, record: Record) -> None:
    """Add a measurement."""
    table.add_row(
        record.row,
        record.side,
        str(record.cores),
        _number(record.value),
        record.unit,
        "" if record.p99 is None else _number(record.p99),
        _seconds(record.first_s),
        _seconds(record.wall_s),
        _seconds(record.cpu_s),
        _seconds(record.import_s),
        f"{record.rss_mb:,.0f}",
        "" if record.others_pct is None else f"{record.others_pct:.0f}" + ("!" if record.disturbed else ""),
        "; ".join(part for part in (record.size, record.note) if part),
    )


def say_machine(console: Console, facts: dict[str, Any]) -> None:
    """Say what all this was measured on."""
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    console.print(
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gb']} GB, {facts['system']}, "
        f"Python {facts['python']}, commit {facts['commit']}\n{versions}",
        style="dim",
        highlight=False,
    )


def say_verdicts(console: Console, found: list[Verdict]) -> None:
    """Say which bars are reached, and which are not."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("row")
    table.add_column("figure", justify="right")
    for name in ("", "bar", ""):
        table.add_column(name)
    for verdict in found:
        word = "[green]reached[/]" if verdict.reached else "[bold red]MISSED[/]"
        word += " [yellow]but disturbed: run it again on a quiet machine[/]" if verdict.disturbed else ""
        table.add_row(verdict.row, _number(verdict.value), verdict.what, verdict.bar, word)
    console.print(table)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
