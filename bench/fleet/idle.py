"""Twenty children that do nothing: what their manager spends meanwhile."""

from __future__ import annotations

from bench.disturbance import Around
from bench.fleet.children import SLEEPS
from bench.fleet.managers import managed, wait_until
from bench.records import Job, Measured
from bench.scratch import scratch
from flotilla.clock import monotonic_ns, sleep

CHILDREN = 20


def measure(job: Job) -> Measured:
    """Return the share of one core, percent. options: manager."""
    seconds = 5.0 if job.quick else 60.0
    commands = {f"p{number}": SLEEPS for number in range(CHILDREN)}
    which = job.side.options["manager"]
    with Around(job.cores) as watch, scratch() as folder, managed(which, folder, commands) as manager:
        wait_until(lambda: len(manager.all()) >= CHILDREN + len(manager.own()), 30.0, "all started")
        sleep(3.0)  # what starting leaves to be done is not idleness
        began_ns, before = monotonic_ns(), manager.cpu_s()
        sleep(seconds)
        spent, passed = manager.cpu_s() - before, (monotonic_ns() - began_ns) / 1e9
        rss_mb, shares = manager.rss_mb(), [round(p.memory_full_info().pss / 1e6, 1) for p in manager.own()]
    return Measured(
        value=100.0 * spent / passed,
        unit="% of a core",
        size=f"{CHILDREN} children, {seconds:g} s",
        others_pct=watch.others_pct,
        rss_mb=rss_mb,
        note=f"MB with shared pages by their share: {shares}",
    )
