"""Measure the rows that were asked for, print them, keep them as JSON lines: see the package."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from bench import machine, table
from bench.process import MeasurementFailed, cores_to_use, run
from bench.records import Job, Record, Verdict
from bench.rows import ROWS, Row, verdicts
from flotilla.clock import now_ns

_WIDE = 180  # columns
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Return the exit code: 0 unless something failed, computed a wrong value, or counted what may not be."""
    arguments = _arguments()
    facts = machine.facts()
    # With --json, standard output is for the lines. A log has no edge: nothing is cut off there.
    said = Console(stderr=arguments.json, width=None if sys.stdout.isatty() else _WIDE)
    table.say_machine(said, facts)
    if arguments.quick:
        said.print("small sizes: that it runs and computes what it should. Not the figures of record.")
    lines: list[Any] = [facts]
    failed: list[str] = []
    for row in arguments.rows:
        measured = _measure(row, arguments.quick, said, failed)
        lines += measured
        if len(measured) == len(_jobs(row, arguments.quick)):
            found = verdicts(row, measured)
            lines += found
            failed += [_miscounted(one) for one in found if one.counted and not one.reached]
    _report(said, lines)
    _keep(lines, arguments.json)
    for failure in failed:
        said.print(failure, style="red", markup=False, highlight=False)
    return 1 if failed else 0


def _miscounted(verdict: Verdict) -> str:
    return f"{verdict.row}: {verdict.value:g} {verdict.what}, and it must be {verdict.bar}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench", description=sys.modules[__name__].__doc__)
    names = ", ".join(row.name for row in ROWS)
    parser.add_argument(
        "rows", nargs="*", help=f"rows, by the beginning of their names: {names}. All of them."
    )
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument(
        "--json", action="store_true", help="JSON lines on standard output, the rest on error"
    )
    arguments = parser.parse_args()
    for asked in arguments.rows:
        if not any(row.name.startswith(asked) for row in ROWS):
            parser.error(f"no row is called {asked}; there is {names}")
    asked = tuple(arguments.rows) or ("",)
    arguments.rows = [row for row in ROWS if row.name.startswith(asked)]
    return arguments


def _jobs(row: Row, quick: bool) -> list[Job]:
    """Return a row's measurements: all sides on one core, then, of those that can use them, on all.

    A quick run leaves out what no bar looks at.
    """
    one, *more = cores_to_use()
    looked_at = row.looked_at() if quick and more else {"one", "all"}
    jobs = [Job(row.name, side, one, quick) for side in row.sides if "one" in looked_at]
    for cores in more:
        able = [side for side in row.sides if not side.one_core_only]
        jobs += [Job(row.name, side, cores, quick) for side in able if "all" in looked_at]
    return jobs


def _measure(row: Row, quick: bool, said: Console, failed: list[str]) -> list[Record]:
    measured = []
    for job in _jobs(row, quick):
        cores = "one core" if job.workers == 1 else f"{job.workers} cores"
        what = f"{row.name} ({row.title}): {job.side.name}, {cores}"
        if not said.is_terminal:  # a log shows no spinner
            said.print(f"... {what}", highlight=False)
        with said.status(what):
            try:
                measured.append(run(job))
            except MeasurementFailed as failure:
                failed.append(f"{what} failed:\n{failure}")
    return measured


def _report(said: Console, lines: list[Any]) -> None:
    measurements = table.new_table()
    for record in lines:
        if isinstance(record, Record):
            table.add(measurements, record)
    said.print(measurements)
    table.say_verdicts(said, [line for line in lines if isinstance(line, Verdict)])


def _keep(lines: list[Any], to_standard_output: bool) -> None:
    """Write the results down, and, if asked to, out."""
    text = "".join(msgspec.json.encode(line).decode() + "\n" for line in lines)
    when = datetime.fromtimestamp(now_ns() / 1e9, UTC)
    (RESULTS / f"{when:%Y-%m-%dT%H-%M-%SZ}.jsonl").write_text(text)
    if to_standard_output:
        sys.stdout.write(text)


if __name__ == "__main__":
    sys.exit(main())
