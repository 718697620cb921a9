"""What the audit is told: soon, in order, and no flood of it."""

import asyncio

from tests.fleet.api.conftest import supervised

from flotilla.access.audit_entry import AuditEntry
from flotilla.fleet.api.audit_queue import ONE_BY_ONE, WINDOW_S, AuditQueue
from flotilla.fleet.api.link import ApiLink

NS = 1_000_000_000


def denied(outcome="bad token"):
    return AuditEntry("api:here", "denied", "", outcome)


def run(folder, what):
    async def inside():
        time = [0]
        async with supervised(folder) as supervisor:
            link = ApiLink(folder.socket("control"), 2.0)
            audit = AuditQueue(link, now=lambda: time[0])
            keeping = asyncio.create_task(audit.keep())
            found = await what(audit, supervisor, time)
            keeping.cancel()
            await link.close()
            return found

    return asyncio.run(inside())


async def settled(supervisor, count):
    while len(supervisor.records()) < count:
        await asyncio.sleep(0.005)


def test_a_record_is_told_soon_and_nobody_waits(folder):
    async def tell(audit, supervisor, time):
        audit.tell(denied())
        before = supervisor.records()
        await asyncio.wait_for(settled(supervisor, 1), 2)
        return before, supervisor.records()

    assert run(folder, tell) == ([], [("api:here", "denied", "bad token")])


def test_a_flood_is_told_as_a_number(folder):
    async def tell(audit, supervisor, time):
        for _ in range(1_000):
            audit.tell(denied())
        time[0] += int(WINDOW_S * NS)
        audit.tell(denied("no token"))
        await asyncio.wait_for(settled(supervisor, ONE_BY_ONE + 2), 2)
        return [one.data for one in supervisor.asked]

    told = run(folder, tell)

    assert len(told) == ONE_BY_ONE + 2
    assert told[ONE_BY_ONE] == {"action": "denied", "target": "990 more", "outcome": "bad token"}


def test_at_the_end_the_numbers_are_told_too(folder):
    async def tell(audit, supervisor, time):
        for _ in range(12):
            audit.tell(denied())
        await asyncio.gather(audit.flush(), settled(supervisor, ONE_BY_ONE + 1))
        return supervisor.asked[-1].data["target"]

    assert run(folder, tell) == "2 more"


def test_while_there_is_no_supervisor_it_waits_and_then_is_told(folder):
    async def tell():
        link = ApiLink(folder.socket("control"), 0.2)
        audit = AuditQueue(link)
        keeping = asyncio.create_task(audit.keep())
        audit.tell(denied())
        await asyncio.sleep(0.05)
        async with supervised(folder) as supervisor:
            await asyncio.wait_for(settled(supervisor, 1), 5)
            keeping.cancel()
            await link.close()
            return supervisor.records()

    assert asyncio.run(tell()) == [("api:here", "denied", "bad token")]


def test_what_waits_has_a_limit_and_what_is_lost_is_told_as_a_number(folder):
    async def tell(audit, supervisor, time):
        for n in range(1_500):
            audit.tell(denied(f"reason {n}"))
        await settled(supervisor, 1_001)
        return sorted({record for record in supervisor.records() if record[1] == "record"})

    assert run(folder, tell) == [("api", "record", "500 more could not wait for the supervisor")]
