"""`flotilla data check`: what is wrong with files of prices, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from flotilla.cli import say
from flotilla.cli.data import DATA
from flotilla.errors import ConfigError
from flotilla.stream.bars.findings import SHOWN, Finding, Verdict
from flotilla.stream.bars.folder import files_of
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.quality.check import Look, look_at, look_at_many
from flotilla.stream.bars.quality.mend import Mended, beside_path, mended, write
from flotilla.words import counted

_STYLE = {Verdict.OK: "bold green", Verdict.WARN: "yellow", Verdict.REPAIR: "yellow"}
REJECT, QUARANTINE = "reject", "quarantine"
STRETCHES = ("gap", "stale", "mixed_frequency")  # of which a place is from one bar to another


def check(
    *files: Path,
    on_bad: Literal["reject", "quarantine", "repair"] = "reject",
    out: Path | None = None,
    calendar: str | None = None,
    instrument: str | None = None,
    frequency: str | None = None,
    zone: str | None = None,
    unit: str | None = None,
    date_format: str | None = None,
    dialect: str | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    json: bool = False,
) -> int:
    """Look at files; write what is asked for. Return 0 where all may be loaded, or were mended; else 1."""
    given: dict[str, Any] = {
        "instrument": instrument, "frequency": frequency, "zone": zone, "unit": unit,
        "date_format": date_format, "dialect": dialect, "separator": separator,
        "decimal": decimal, "encoding": encoding,
    }  # fmt: skip
    options = Options(**{name: value for name, value in given.items() if value is not None})
    groups = {str(file): files_of(str(file), DATA) for file in files}
    paths = [path for found in groups.values() for path in found]
    _check_asked(files, paths, on_bad, out)
    told: list[dict[str, Any]] = []
    looks: dict[Path, Look] = {}
    code = 0
    for path in paths:
        looks[path] = look = look_at(path, options, calendar)
        made, written = _mend(path, look, on_bad, out)
        code = max(code, 1 if look.verdict > Verdict.WARN and not written else 0)
        done = {"done": list(made.done) if made else [], "written": list(map(str, written))}
        told.append({**as_dict(path, look), **done})
        if not json:
            tell(path, look, made, written)
    for name, found in groups.items():
        side_by_side = look_at_many([looks[path] for path in found], Path(name).name)
        if side_by_side.findings:
            code = 1
            told.append(as_dict(Path(name), side_by_side))
            if not json:
                tell(Path(name), side_by_side, None, [])
    if json:
        say.show_json({"files": told, "exit_code": code})
    elif len(looks) > 1:
        say.show(summary([*looks.values()]))
    return code


def _check_asked(files: Sequence[Path], paths: Sequence[Path], on_bad: str, out: Path | None) -> None:
    """Refuse what cannot be meant, before anything is read."""
    if not files:
        raise ConfigError("name a file to look at: flotilla data check prices.csv")
    if out is not None and len(paths) != 1:
        raise ConfigError(f"--out names one file, and there are {len(paths)} to look at: take one at a time")
    if out is not None and on_bad == REJECT:
        raise ConfigError("--out has nothing to write: say --on-bad repair, or --on-bad quarantine")


def _mend(path: Path, look: Look, on_bad: str, out: Path | None) -> tuple[Mended | None, list[Path]]:
    """Write a mended copy, where that was asked for and something is to mend."""
    if on_bad == REJECT or look.verdict <= Verdict.WARN:
        return None, []
    made = mended(look, on_bad == QUARANTINE)
    return made, write(made, out or _good(path), look.separator)


def _good(path: Path) -> Path:
    """Return where the good rows go if nobody says: prices.good.csv beside prices.csv.gz."""
    name = Path(path.name.removesuffix(".gz"))
    return path.with_name(f"{name.stem}.good{name.suffix or '.csv'}")


def tell(path: Path, look: Look, made: Mended | None, written: Sequence[Path]) -> None:
    """Show what was found in one file, and what was done."""
    rows = f", {counted(look.sheet.length, 'row')}" if look.sheet is not None else ""
    judged = say.judged(f"{path}: ", str(look.verdict), _STYLE.get(look.verdict, "bold red"))
    say.show(judged, f"  {look.kind}{rows}")
    for found in sorted(look.findings, key=lambda each: -each.verdict):
        say.show(_lines(found))
    say.remarks(*look.remarks)
    if made is not None:
        say.show(f"  done: {'; '.join(made.done) or 'nothing had to be changed'}")
        say.show(f"  wrote {' and '.join(map(str, written))}")
    elif look.verdict in (Verdict.REPAIR, Verdict.QUARANTINE):
        good = _good(path)
        typed = say.command("data", "check", path, "--on-bad", look.verdict, "--out", good)
        extra = f", the bad ones to {beside_path(good)}" if look.verdict is Verdict.QUARANTINE else ""
        say.note(say.steps((typed, f"write the good rows{extra}")))


def _lines(found: Finding) -> str:
    """Return a finding as lines, with its name and what becomes of it. A place may be of several bars."""
    shown = found.places[:SHOWN]
    places = len(found.places) if found.code in STRETCHES else found.count
    more = [f"... and {places - len(shown):,} more"] if shown and places > len(shown) else []
    head = f"  {found.count:,} x {found.what}  [{found.code}: {found.verdict}]"
    mend = [f"    mend: {found.mend}"] if found.mend else []
    return "\n".join([head, *(f"    {place}" for place in [*shown, *more]), *mend])


def summary(looks: Sequence[Look]) -> str:
    """Return how many files got which verdict."""
    verdicts = [look.verdict for look in looks]
    parts = [f"{verdicts.count(verdict)} {verdict}" for verdict in Verdict if verdict in verdicts]
    return f"{counted(len(looks), 'file')}: {', '.join(parts)}"


def as_dict(path: Path, look: Look) -> dict[str, Any]:
    """Return what was found in one file as plain values."""
    return {
        "file": str(path),
        "verdict": str(look.verdict),
        "kind": look.kind,
        "rows": look.sheet.length if look.sheet is not None else None,
        "remarks": list(look.remarks),
        "findings": [
            {
                "code": found.code,
                "verdict": str(found.verdict),
                "count": found.count,
                "what": found.what,
                "places": list(found.places),
                "rows": list(found.rows),
                "mend": found.mend,
            }
            for found in look.findings
        ],
    }
