from tests.fleet.control.test_server import Supervisor, connect, run, served

from flotilla.errors import DataError


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
