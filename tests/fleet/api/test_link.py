"""The way to the supervisor: many at a time, over its death, and the third outcome said aloud."""

import asyncio

import pytest
from tests.fleet.api.conftest import supervised

from flotilla.errors import ConfigError, ProcessError
from flotilla.fleet.api.link import ApiLink
from flotilla.fleet.control.client import NoSupervisor, OutcomeUnknown


def run(folder, what, deadline_s=5.0):
    async def inside():
        async with supervised(folder) as supervisor:
            link = ApiLink(folder.socket("control"), deadline_s)
            try:
                return await what(link, supervisor)
            finally:
                await link.close()

    return asyncio.run(inside())


def test_many_ask_at_once_on_one_line_and_each_gets_its_answer(folder):
    async def ask(link, supervisor):
        answers = await asyncio.gather(*(link.ask("stop", (f"p{n}",), key=f"k{n}") for n in range(100)))
        return [answer["names"] for answer in answers]

    assert run(folder, ask) == [[f"p{n}"] for n in range(100)]


def test_status_comes_as_a_record(folder):
    async def ask(link, supervisor):
        return await link.status()

    assert run(folder, ask).find("strategies").needs == {"feed": "ready"}


def test_what_is_refused_is_raised_as_what_it_was(folder):
    async def ask(link, supervisor):
        raised = []
        for refuse in (ConfigError("mend it"), ProcessError("not now"), RuntimeError("a mistake")):
            supervisor.refuse = refuse
            try:
                await link.ask("stop", ("feed",))
            except (ConfigError, ProcessError) as error:
                raised.append(type(error))
        return raised

    assert run(folder, ask) == [ConfigError, ProcessError, OutcomeUnknown]


def test_what_is_no_request_is_not_sent(folder):
    async def ask(link, supervisor):
        with pytest.raises(ConfigError):
            await link.ask("explode")
        with pytest.raises(ConfigError):
            await link.ask("stop", key="x" * 101)
        return supervisor.asked

    assert run(folder, ask) == []


def test_with_nobody_there_it_says_so_at_once(folder):
    async def ask():
        with pytest.raises(NoSupervisor):
            await ApiLink(folder.socket("control")).status()

    asyncio.run(asyncio.wait_for(ask(), 1))


def test_no_answer_in_time_is_unknown_for_a_command_and_no_supervisor_for_a_question(folder):
    async def silent():
        async def say_nothing(reader, writer):
            await reader.read()
            writer.close()

        server = await asyncio.start_unix_server(say_nothing, str(folder.socket("control")))
        link = ApiLink(folder.socket("control"), 0.2)
        with pytest.raises(OutcomeUnknown):
            await link.ask("stop", ("feed",), key="a-key")
        with pytest.raises(NoSupervisor):
            await link.status()
        await link.close()
        server.close()

    asyncio.run(asyncio.wait_for(silent(), 5))


def test_a_supervisor_that_is_replaced_is_asked_again_with_the_same_key(folder):
    async def replaced():
        link = ApiLink(folder.socket("control"), 5.0)
        path = folder.socket("control")

        async def die(reader, writer):
            await reader.readline()
            writer.close()

        dying = await asyncio.start_unix_server(die, str(path))
        asking = asyncio.create_task(link.ask("stop", ("feed",), key="once"))
        await asyncio.sleep(0.05)
        dying.close()
        async with supervised(folder) as supervisor:
            answer = await asking
            await link.close()
            return answer, [one.key for one in supervisor.asked]

    assert asyncio.run(replaced()) == ({"seq": 18, "names": ["feed"]}, ["once"])


def test_a_command_without_a_key_is_not_sent_twice(folder):
    async def lost():
        async def die(reader, writer):
            await reader.readline()
            writer.close()

        dying = await asyncio.start_unix_server(die, str(folder.socket("control")))
        link = ApiLink(folder.socket("control"), 5.0)
        with pytest.raises(OutcomeUnknown):
            await link.ask("record", data={})
        await link.close()
        dying.close()

    asyncio.run(asyncio.wait_for(lost(), 2))
