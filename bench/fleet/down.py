"""A hundred children in ten levels, one of them hung: all down, each after those that need it."""

from __future__ import annotations

import os
import signal

from bench.disturbance import Around
from bench.fleet.children import SLEEPS
from bench.fleet.managers import Flotilla, flotilla, wait_until
from bench.records import Job, Measured, WrongValue
from bench.scratch import scratch
from flotilla.access import audit
from flotilla.clock import monotonic_ns

LEVELS, WIDE = 10, 10


def measure(job: Job) -> Measured:
    """Return how long `down` takes, in seconds; an order that is wrong fails."""
    levels = 3 if job.quick else LEVELS
    names = [[f"p{level}-{place}" for place in range(WIDE)] for level in range(levels)]
    needs = {
        name: [names[level - 1][place], names[level - 1][(place + 1) % WIDE]] if level else []
        for level, row in enumerate(names)
        for place, name in enumerate(row)
    }
    platforms = {
        name: {
            "command": [*SLEEPS],
            "ready": "started",
            "needs": of,
            "shutdown_timeout": 2.0 if job.quick else 10.0,
        }
        for name, of in needs.items()
    }
    with Around(job.cores) as watch, scratch() as folder, flotilla(folder, {"platforms": platforms}) as fleet:
        wait_until(lambda: fleet.all_are("ready"), 60.0, "all ready")
        status = fleet.client.status()
        hung = next(one for one in status.platforms if one.name == names[levels // 2][0])
        os.kill(hung.pid or 0, signal.SIGSTOP)
        rss_mb = fleet.rss_mb()
        began_ns = monotonic_ns()
        fleet.client.ask("down", why="bench")
        fleet.process.wait(120)
        took_s = (monotonic_ns() - began_ns) / 1e9
        left = len(fleet.all())
        _check_order(fleet, needs)
    if left:
        raise WrongValue(f"{left} processes are left")
    return Measured(
        value=took_s,
        unit="s",
        size=f"{len(needs)} children, {levels} levels, one hung",
        others_pct=watch.others_pct,
        rss_mb=rss_mb,
        note="by the audit, each was asked to stop after those that need it were gone",
    )


def _check_order(fleet: Flotilla, needs: dict[str, list[str]]) -> None:
    """Hold what the audit says, and its chain says that it was written so, against the graph."""
    folder = fleet.folder
    verdict = audit.verify(folder.audit, folder.audit_key, folder.anchor())
    if not verdict.ok:
        raise WrongValue(f"the audit: {verdict.what}")
    asked, gone = {}, {}
    for record in audit.read_audit(folder.audit, limit=verdict.records):
        if record.action in ("draining", "stopping", "killing"):
            asked.setdefault(record.target, record.seq)
        if record.action == "stopped":
            gone[record.target] = record.seq
    for name, of in needs.items():
        for need in of:
            if not gone[name] < asked[need]:
                raise WrongValue(f"{need} was asked to stop (record {asked[need]}) before {name} was gone")
