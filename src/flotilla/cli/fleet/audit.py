"""`flotilla fleet audit`: who did what, and whether the record is as it was written."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from flotilla.access.audit import AuditRecord, Chain, read_audit
from flotilla.access.audit import verify as verify_chain
from flotilla.cli import say
from flotilla.cli.arguments import Json
from flotilla.cli.fleet import show
from flotilla.cli.fleet.find import FROM_NONE, FoundFleet, Which, find_fleet, who
from flotilla.fleet.control.client import NoSupervisor, NotHeard
from flotilla.words import counted

app = App(name="audit", help="Show who did what; verify the record.", help_format="plaintext")
_BATCH = 10_000


@app.default
def audit(
    *,
    lines: Annotated[
        int, Parameter(name=("--lines", "-n"), validator=FROM_NONE, help="How many of the last; else 50.")
    ] = 50,
    fleet: Which = None,
    json: Json = False,
) -> None:
    """Show who did what, when, why, and how it ended. Times are UTC."""
    found = find_fleet(fleet)
    records = _last(found.folder.audit, lines)
    if json:
        say.show_json(records)
        return
    made = say.table(">number", "when, UTC", "who", "did", "to", "why", "outcome", spare=(0, 5, 1))
    for record in records:
        when = f"{say.utc(record.ts)[:10]} {show.clock_time(record.ts)[:8]}"
        made.add_row(
            str(record.seq), when, record.who, record.action, record.target, record.why, record.outcome
        )
    say.show(made)


@app.command
def verify(
    *,
    anchor: Annotated[Path | None, Parameter(help="Where its head is written down as well.")] = None,
    fleet: Which = None,
    json: Json = False,
) -> int:
    """Check every record, and the head against the anchor; exit code 1 if something was changed."""
    found = find_fleet(fleet)
    verdict = verify_chain(found.folder.audit, found.folder.audit_key, anchor or anchor_of(found))
    if json:
        say.show_json(verdict._asdict())
    else:
        words = counted(verdict.records, "record")
        told = (
            f"WHOLE: {words}, as they were written" if verdict.ok else f"BROKEN after {words}: {verdict.what}"
        )
        say.show(say.verdict(told, verdict.ok))
    return 0 if verdict.ok else 1


def record(found: FoundFleet, action: str, target: str, why: str, outcome: str) -> None:
    """Write down what somebody did beside the supervisor: by it, or at once where there is none."""
    data = {"action": action, "target": target, "outcome": outcome}
    try:
        found.client().ask("record", why=why, data=data)
    except NotHeard:
        raise
    except NoSupervisor:
        folder = found.folder
        with folder.unsupervised(), closing(Chain(folder.audit, folder.audit_key, anchor_of(found))) as chain:
            chain.append(who(), action, target, why, outcome, sync=True)


def anchor_of(found: FoundFleet) -> Path:
    """Return where the head is written down: where its supervisor last did, else where the file says."""
    if (noted := found.folder.anchor()) is not None:
        return noted
    path = found.folder.path
    declared = found.spec().audit.anchor if found.folder.fleet_file.exists() else None
    return path.parents[2] / declared if declared else path.with_name(f"{path.name}.anchor")


def _last(path: Path, count: int) -> list[AuditRecord]:
    records: list[AuditRecord] = []
    at = 1
    while part := read_audit(path, at, _BATCH):
        records = [*records, *part][-count:] if count else []
        at += len(part)  # not by what they say: in a log that was tampered with, numbers come twice
    return records
