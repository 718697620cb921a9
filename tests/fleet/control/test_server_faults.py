import asyncio
import socket
from random import Random

from tests.fleet.control.test_server import Supervisor, connect, run, served

from flotilla.errors import DataError
from flotilla.fleet.control.server import Control


class Damaged(Supervisor):
    """Keeps events that nobody can read."""

    def read(self, first, most):
        raise DataError("events.db is damaged")


def test_a_stream_of_events_that_cannot_be_read_ends_with_the_reason(tmp_path):
    async def told():
        async with served(tmp_path, Damaged()):
            caller = await connect(tmp_path)
            await caller.say(id=1, command="events", follow=True)
            return [await caller.hear() for _ in range(3)]

    began, refused, end = run(told())

    assert began["ok"]
    assert refused["error"] == {"kind": "DataError", "text": "events.db is damaged"}
    assert end is None


def test_a_thousand_lines_of_junk_leave_it_listening(tmp_path):
    random = Random(1)

    async def told():
        async with served(tmp_path, Supervisor()) as control:
            for _ in range(1000):
                junk = bytes(random.choice(b'{}[]":,0aid\\ \n\xff\x00') for _ in range(random.randrange(60)))
                caller = await connect(tmp_path)
                caller.writer.write(junk + random.choice([b"", b"\n", b"\n" * 3]))
                caller.writer.close()
            await asyncio.sleep(0.2)
            return await (await connect(tmp_path)).ask(id=1, command="status"), len(control._clients)

    reply, clients = run(told())

    assert reply["ok"]
    assert clients == 1


def test_whoever_comes_as_it_closes_leaves_no_error_behind(tmp_path):
    """A supervisor's last moments: its log is read at 3 a.m., and shall not speak of errors that are none."""
    mistakes, callers = [], []

    async def serve():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: mistakes.append(context))
        control = Control(Supervisor().answer, Supervisor().read)
        await control.open(tmp_path / "control.sock")
        for turns in range(8):  # between its being accepted and its being served
            late = socket.socket(socket.AF_UNIX)
            late.connect(str(tmp_path / "control.sock"))
            callers.append(late)
            for _ in range(turns):
                await asyncio.sleep(0)
        closing = asyncio.ensure_future(control.close())
        await asyncio.sleep(0)
        closing.cancel()

    asyncio.run(serve())
    for late in callers:
        late.close()

    assert mistakes == []
