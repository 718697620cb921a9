"""Real TLS on loopback: who gets in, who does not, and what becomes of garbage."""

import asyncio
import shutil
import socket
import ssl
from contextlib import asynccontextmanager

import pytest
from tests.fleet.made_keys import free_port, keys

from flotilla.cli.fleet.keys import make
from flotilla.errors import ConfigError
from flotilla.fleet.hosts import credentials
from flotilla.fleet.hosts import gate as gate_module
from flotilla.fleet.hosts.gate import HostGate
from flotilla.fleet.hosts.ledger import Ledger
from flotilla.fleet.hosts.wire import (
    LONGEST_LINE,
    Do,
    Done,
    Hello,
    Ping,
    Pong,
    Refused,
    Welcome,
    encoded,
    from_agent,
)
from flotilla.fleet.spec import Host

NO = (OSError, EOFError, TimeoutError)


class Agent:
    """What a gate belongs to: it notes what it is ordered."""

    def __init__(self, path):
        self.done, self.odd, self.heads = [], [], 0
        self.ledger = Ledger(path / "agent.json")

    def renew(self):
        self.heads += 1

    def act(self, do):
        self.done.append((do.what, do.name, do.run))
        self.ledger.did(do)
        self.ledger.keep()


@asynccontextmanager
async def gated(tmp_path, folder=None):
    agent = Agent(tmp_path)
    gate = HostGate("live", "b", agent.ledger, agent.act, agent.renew, agent.odd.append)
    agent.gate, agent.port = gate, free_port()
    await gate.open(Host(f"127.0.0.1:{agent.port}", keys=str(folder or keys())))
    try:
        yield agent
    finally:
        await gate.close()


async def connected(agent, context=None, name="b"):
    context = context or credentials.head(keys())
    return await asyncio.open_connection(
        "127.0.0.1", agent.port, ssl=context, server_hostname=name, limit=LONGEST_LINE
    )


async def greeted(agent, **more):
    reader, writer = await connected(agent)
    hello = {"fleet": "live", "host": "b", "generation": 1, "token": "a" * 16} | more
    writer.write(encoded(Hello(**hello)))
    return reader, writer, await from_agent(reader, 5)


async def said_hello(agent, context):
    """Return what is answered, to whoever it is."""
    reader, writer = await connected(agent, context)
    try:
        writer.write(encoded(Hello("live", "b", 1, "a" * 16)))
        return await from_agent(reader, 5)
    finally:
        writer.transport.abort()


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))


def as_client(folder, name):
    """Return the context of somebody who asks with the key of `name`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(keys() / "ca.pem")
    if name:
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


def test_a_head_is_welcomed_and_its_orders_are_carried_out_once(tmp_path):
    async def told():
        async with gated(tmp_path) as agent:
            reader, writer, welcome = await greeted(agent)
            do = Do(1, 1, "kill", "feed", "1.1")
            writer.write(encoded(do) * 3 + encoded(Ping()))
            said = [await from_agent(reader, 5) for _ in range(4)]
            writer.transport.abort()
            return welcome, said, agent.done

    welcome, said, done = run(told())

    assert isinstance(welcome, Welcome)
    assert said == [Done(1), Done(1), Done(1), Pong()]
    assert done == [("kill", "feed", "1.1")]


@pytest.mark.parametrize("who", ["nobody", "another host", "a stranger", "an old protocol"])
def test_who_has_not_the_heads_certificate_gets_nowhere(tmp_path, who):
    async def told():
        folder, name = keys(), {"nobody": "", "another host": "a"}.get(who, "head")
        if who == "a stranger":
            folder = tmp_path / "theirs"
            make(folder, ("b",), days=1)
        context = as_client(folder, name)
        if who == "an old protocol":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        async with gated(tmp_path) as agent:
            with pytest.raises(NO):
                await said_hello(agent, context)
            return agent.ledger.generation

    assert run(told()) == 0


def test_a_head_finds_out_who_stands_at_a_hosts_address(tmp_path):
    async def told():
        async with gated(tmp_path) as agent:
            with pytest.raises(ssl.SSLCertVerificationError):
                await connected(agent, name="a")
            folder = tmp_path / "theirs"
            make(folder, ("b",), days=1)
            with pytest.raises(ssl.SSLCertVerificationError):
                await connected(agent, credentials.head(folder))

    run(told())


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"generation": 2}, "was replaced"),
        ({"generation": 3, "token": "b" * 16}, "another head"),
        ({"fleet": "other", "generation": 9}, "not b of other"),
        ({"host": "a", "generation": 9}, "not a of live"),
        ({"format": 9, "generation": 9}, "format 9"),
    ],
)
def test_who_is_not_its_head_is_told_so_and_commands_nothing(tmp_path, more, why):
    async def told():
        async with gated(tmp_path) as agent:
            _, first, _ = await greeted(agent, generation=3)
            reader, writer, refused = await greeted(agent, **more)
            writer.write(encoded(Do(1, more["generation"], "kill", "feed", "1.1")))
            with pytest.raises(NO):
                await from_agent(reader, 5)
            still = not first.is_closing()
            first.transport.abort()
            writer.transport.abort()
            return refused, agent, still

    refused, agent, still = run(told())

    assert isinstance(refused, Refused)
    assert why in refused.text
    assert why in agent.odd[0]
    assert (agent.done, still) == ([], True)


def test_orders_of_an_older_generation_that_are_still_on_their_way_are_not_done(tmp_path):
    async def told():
        async with gated(tmp_path) as agent:
            _, old, _ = await greeted(agent, generation=1)
            reader, new, _ = await greeted(agent, generation=2, token="b" * 16)
            old.write(encoded(Do(7, 1, "kill", "feed", "1.1")))
            new.write(encoded(Do(7, 1, "kill", "feed", "1.1")) + encoded(Do(1, 2, "kill", "app", "2.1")))
            said = [await from_agent(reader, 5) for _ in range(2)]
            await asyncio.sleep(0.05)
            old.transport.abort()
            new.transport.abort()
            return said, agent.done

    said, done = run(told())

    assert said == [Done(0), Done(1)]
    assert done == [("kill", "app", "2.1")]


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"\x00" * 4096,
        b'{"say":"ping"}\n',
        b'{"say":"do"}\n',
        b"x" * (LONGEST_LINE + 99),
    ],
)
def test_garbage_from_one_who_is_let_in_ends_his_connection_alone(tmp_path, garbage, monkeypatch):
    monkeypatch.setattr(gate_module, "_HANDSHAKE_S", 1.0)

    async def told():
        async with gated(tmp_path) as agent:
            reader, writer = await connected(agent)
            writer.write(garbage)
            writer.write_eof() if writer.can_write_eof() else None
            with pytest.raises(NO):
                await from_agent(reader, 8)
            writer.transport.abort()
            _, good, welcome = await greeted(agent)
            good.transport.abort()
            return agent.done, welcome

    done, welcome = run(told())

    assert done == []
    assert isinstance(welcome, Welcome)


def test_garbage_without_tls_is_not_heard(tmp_path):
    async def told():
        async with gated(tmp_path) as agent:
            reader, writer = await asyncio.open_connection("127.0.0.1", agent.port)
            writer.write(encoded(Hello("live", "b", 9, "a" * 16)))
            rest = await asyncio.wait_for(reader.read(), 10)
            writer.transport.abort()
            return rest, agent.ledger.generation

    rest, generation = run(told())

    assert b"welcome" not in rest
    assert generation == 0


def test_one_who_ends_takes_no_more_orders(tmp_path):
    async def told():
        async with gated(tmp_path) as agent:
            reader, writer, _ = await greeted(agent)
            agent.gate.end()
            writer.write(encoded(Do(1, 1, "spawn", "feed", "1.1")) + encoded(Ping()))
            said = await from_agent(reader, 5)
            writer.transport.abort()
            return said, agent.done

    assert run(told()) == (Pong(), [])


def test_no_agent_listens_without_keys_or_where_somebody_does(tmp_path):
    async def told():
        agent = Agent(tmp_path)
        gate = HostGate("live", "b", agent.ledger, agent.act, agent.renew, agent.odd.append)
        with pytest.raises(ConfigError, match="cannot be read"):
            await gate.open(Host("0.0.0.0:8701", keys=str(tmp_path)))
        opened = shutil.copytree(keys(), tmp_path / "keys")
        (opened / "b.key").chmod(0o644)
        with pytest.raises(ConfigError, match="chmod 600"):
            await gate.open(Host("127.0.0.1:8701", keys=str(opened)))
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            with pytest.raises(ConfigError, match="cannot listen"):
                await gate.open(Host(f"127.0.0.1:{other.getsockname()[1]}", keys=str(keys())))

    run(told())


def test_a_new_head_is_told_apart_from_one_that_comes_again(tmp_path):
    async def told():
        async with gated(tmp_path) as agent:
            for more in ({}, {}, {"generation": 2, "token": "b" * 16}):
                _, writer, _ = await greeted(agent, **more)
                writer.transport.abort()
            return agent.heads

    assert run(told()) == 2
