"""A link by real TLS to a gate that comes and goes."""

import asyncio

from tests.fleet.hosts.test_gate import Agent
from tests.fleet.made_keys import free_port, keys

from flotilla.fleet.hosts.gate import HostGate
from flotilla.fleet.hosts.link import HostLink
from flotilla.fleet.hosts.wire import Hello, Told, Welcome
from flotilla.fleet.spec import Host

HELLO = Hello("live", "b", 1, "a" * 16)


class Head:
    """Notes what a link hears; takes a welcome as the real one does."""

    def __init__(self, port, lost_after=0.4, folder=None):
        self.heard, self.lost = [], []
        host = Host(f"127.0.0.1:{port}", lost_after=lost_after, keys=str(folder or keys()))
        self.link = HostLink("b", host, HELLO, self.take, self.lost.append)

    def take(self, link, line):
        self.heard.append(line)
        match line:
            case Welcome():
                link.epoch, link.got = line.epoch, line.seq
                link.pending = [do for do in link.pending if do.n > line.done]
                link.found()
            case Told():
                link.got = line.seq


async def opened(agent, port):
    gate = agent.gate = HostGate("live", "b", agent.ledger, agent.act, agent.renew, agent.odd.append)
    await gate.open(Host(f"127.0.0.1:{port}", keys=str(keys())))
    return gate


async def until(condition):
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to that")


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))


def test_orders_wait_for_the_link_and_go_out_in_order_once(tmp_path):
    async def told():
        agent, port = Agent(tmp_path), free_port()
        head = Head(port, lost_after=5.0)
        head.link.order("spawn", "feed", "1.1", "d")
        head.link.order("kill", "feed", "1.1")
        head.link.order("kill", "feed", "1.1")  # said already
        gate = await opened(agent, port)
        await until(lambda: len(agent.done) == 2 and not head.link.pending)
        await gate.close()
        head.link.order("spawn", "feed", "1.2", "d")
        gate = await opened(agent, port)
        await until(lambda: len(agent.done) == 3)
        await head.link.close()
        await gate.close()
        return agent.done, head.lost

    done, lost = run(told())

    assert done == [("spawn", "feed", "1.1"), ("kill", "feed", "1.1"), ("spawn", "feed", "1.2")]
    assert lost == []


def test_what_was_told_while_the_link_was_down_is_heard_once(tmp_path):
    async def told():
        agent, port = Agent(tmp_path), free_port()
        head = Head(port, lost_after=5.0)
        gate = await opened(agent, port)
        await until(lambda: head.link._writer is not None)
        gate.say(agent.ledger.tell("exited", "feed", "1.1", code=0))
        await until(lambda: head.link.got == 1)
        await gate.close()
        agent.ledger.tell("exited", "feed", "1.2", code=1)
        gate = await opened(agent, port)
        await until(lambda: len([one for one in head.heard if isinstance(one, Welcome)]) == 2)
        await head.link.close()
        await gate.close()
        first, second = [one for one in head.heard if isinstance(one, Welcome)]
        return [one for one in head.heard if isinstance(one, Told)], first, second

    heard, first, second = run(told())

    assert [one.run for one in heard] == ["1.1"]
    assert [one.run for one in (*first.told, *second.told)] == ["1.2"]


def test_a_host_that_is_silent_for_too_long_is_lost_once_and_found_again(tmp_path):
    async def told():
        agent, port = Agent(tmp_path), free_port()
        head = Head(port, lost_after=2.0)
        gate = await opened(agent, port)
        await until(lambda: head.link.sight == "seen")
        await gate.close()
        await asyncio.sleep(0.2)
        early = list(head.lost)
        await until(lambda: head.link.sight == "lost")
        await asyncio.sleep(0.5)
        lost, why = list(head.lost), head.link.why
        gate = await opened(agent, port)
        await until(lambda: head.link.sight == "seen")
        await head.link.close()
        await gate.close()
        return early, lost, why

    early, lost, why = run(told())

    assert early == []
    assert len(lost) == 1
    assert why


def test_one_that_takes_connections_and_says_nothing_is_lost_too():
    async def told():
        hold = []
        server = await asyncio.start_server(lambda *both: hold.append(both), "127.0.0.1", 0)
        head = Head(server.sockets[0].getsockname()[1])
        await until(lambda: head.link.sight == "lost")
        await head.link.close()
        for _, writer in hold:
            writer.transport.abort()
        server.close()
        return head.lost

    assert len(run(told())) == 1


def test_without_keys_it_says_so_and_goes_on_trying(tmp_path):
    async def told():
        head = Head(free_port(), folder=tmp_path)
        await until(lambda: "head.key" in head.link.why)
        await head.link.close()

    run(told())


def test_what_an_agent_refuses_with_is_why(tmp_path):
    async def told():
        agent, port = Agent(tmp_path), free_port()
        agent.ledger.admit(Hello("live", "b", 9, "b" * 16))
        gate = await opened(agent, port)
        head = Head(port)
        await until(lambda: "generation 9 commands here" in head.link.why)
        await head.link.close()
        await gate.close()
        return agent.done

    assert run(told()) == []


def test_a_mistake_of_ours_is_a_host_out_of_sight_and_not_silence(tmp_path):
    async def told():
        said = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context["message"]))
        agent, port = Agent(tmp_path), free_port()
        gate = await opened(agent, port)
        head = Head(port)
        head.link._take = lambda link, line: 1 // 0
        await until(lambda: head.lost)
        await head.link.close()
        await gate.close()
        return said, head.link.sight, head.link.why

    said, sight, why = run(told())

    assert said == ["the link to b failed"]
    assert (sight, "ZeroDivisionError" in why) == ("lost", True)
