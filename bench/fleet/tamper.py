"""An audit log of 10,000 records that somebody changed: is it seen, each time?"""

from __future__ import annotations

import random
from time import perf_counter

from bench.records import Job, Measured, WrongValue
from bench.scratch import scratch
from flotilla.access.audit import Chain, verify

WAYS = ("byte", "delete", "swap", "insert", "cut", "cut bytes")


def measure(job: Job) -> Measured:
    """Return how many of a hundred changes were found."""
    records, tries = (1_000, 100) if job.quick else (10_000, 1_000)
    chance = random.Random(5)
    with scratch() as folder:
        log, key, anchor = folder / "audit.log", folder / "audit.key", folder / "anchor"
        chain = Chain(log, key, anchor)
        for number in range(records):
            chain.append("cli:ann", "stop", f"p{number % 20}", "end of day", "ok")
        chain.close()
        whole = log.read_bytes()
        began = perf_counter()
        verdict = verify(log, key, anchor)
        verify_s = perf_counter() - began
        if not (verdict.ok and verdict.records == records):
            raise WrongValue(f"a log that nobody changed: {verdict}")
        found = 0
        for number in range(tries):
            changed = _changed(whole, WAYS[number % len(WAYS)], chance)
            log.write_bytes(changed)
            found += not verify(log, key, anchor).ok
    return Measured(
        value=100.0 * found / tries,
        unit="% found",
        size=f"{records:,} records, {tries:,} changes",
        wall_s=verify_s,
        calls=tries,
        note=f"{records / verify_s:,.0f} records a second are verified",
    )


def _changed(whole: bytes, way: str, chance: random.Random) -> bytes:
    """Return the log after one change that makes a difference."""
    lines = whole.splitlines(keepends=True)
    one, other = sorted(chance.sample(range(len(lines)), 2))
    if way == "byte":
        at = chance.randrange(len(whole))
        return whole[:at] + bytes([whole[at] ^ (1 << chance.randrange(8))]) + whole[at + 1 :]
    if way == "delete":
        del lines[one]
    elif way == "swap":
        lines[one], lines[other] = lines[other], lines[one]
    elif way == "insert":
        lines.insert(one, lines[other])
    elif way == "cut":
        del lines[chance.randrange(len(lines)) :]
    else:
        return whole[: chance.randrange(len(whole) - 1)]
    return b"".join(lines)
