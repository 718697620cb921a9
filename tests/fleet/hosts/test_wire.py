import asyncio

import pytest
from msgspec.structs import replace

from flotilla.fleet.hosts.wire import (
    LONGEST_LINE,
    Do,
    Done,
    Ended,
    Got,
    Hello,
    Ping,
    Pong,
    Refused,
    Running,
    Samples,
    Seen,
    Told,
    Welcome,
    WrongWords,
    digest,
    encoded,
    from_agent,
    from_head,
)
from flotilla.fleet.spec import DrainWay, Health, Log, Platform
from flotilla.fleet.system.resources import Sample

TOLD = Told(7, "exited", "feed", "3.1", code=-9)


def heard(read, *lines):
    async def all_of_it():
        reader = asyncio.StreamReader(limit=LONGEST_LINE)
        reader.feed_data(b"".join(lines))
        reader.feed_eof()
        return [await read(reader, 1.0) for _ in lines]

    return asyncio.run(all_of_it())


def test_what_is_said_is_heard():
    heads = [Hello("live", "b", 3, "0" * 16, "e", 5), Do(1, 3, "spawn", "feed", "3.1", "d"), Got(4), Ping()]
    heads.append(Do(2, 3, "spawn", "feed", "3.2", "d", "DEBUG", 0.5))
    sample = Samples({"feed": Sample(1.5, 20.0, 3, 4, 1)})
    welcome = Welcome("b", "e", 1, 7, {"feed": Running("3.1", 12, True)}, {"app": Ended("3.2", 0)}, (TOLD,))
    of_itself = Told(8, "alert", "", "", text="its guard is gone")
    agents = [
        welcome,
        of_itself,
        Refused("no"),
        TOLD,
        Done(4),
        Seen("hung", "feed", "3.1", figure=0.5),
        sample,
        Pong(),
    ]

    assert heard(from_head, *map(encoded, heads)) == heads
    assert heard(from_agent, *map(encoded, agents)) == agents


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1\n",
        b"\x16\x03\x01\x02\x00\xff\n",
        b"{}\n",
        b'{"say":"do","n":1,"generation":1,"what":"spawn","name":"feed","run":"1.1","command":["rm"]}\n',
        b'{"say":"do","n":1,"generation":1,"what":"run","name":"feed","run":"1.1"}\n',
        b'{"say":"do","n":1,"generation":1,"what":"kill","name":"../feed","run":"1.1"}\n',
        b'{"say":"do","n":1,"generation":1,"what":"kill","name":"feed\\n","run":"1.1"}\n',
        b'{"say":"do","n":1,"generation":1,"what":"kill","name":"feed","run":"x"}\n',
        b'{"say":"do","n":-1,"generation":1,"what":"kill","name":"feed","run":"1.1"}\n',
        b'{"say":"do","n":1,"generation":1,"what":"spawn","name":"feed","run":"1.1","log_level":"ALL"}\n',
        b'{"say":"do","n":1,"generation":1,"what":"spawn","name":"feed","run":"1.1","health_check_interval":0}\n',
        b'{"say":"do","n":1,"generation":1,"what":"spawn","name":"feed","run":"1.1","health_check_interval":1e9}\n',
        b'{"say":"got","seq":1e99}\n',
        b"[" * 100_000 + b"\n",
    ],
)
def test_what_is_no_order_is_none(line):
    with pytest.raises(WrongWords):
        heard(from_head, line)


def test_a_line_without_end_is_not_waited_for():
    with pytest.raises(WrongWords, match="at most"):
        heard(from_head, b"x" * (LONGEST_LINE + 10))


def test_what_a_head_decides_or_orders_makes_no_other_charge():
    platform = Platform(("run", "feed"), host="b", needs={"x": "ready"}, log=Log(level="INFO"))
    same = replace(
        platform, needs={}, startup_timeout=5.0, max_restart_attempts=9, log=Log(level="DEBUG"), group="g"
    )
    same = replace(same, health_check_interval=1.0)

    assert digest(platform) == digest(same)


@pytest.mark.parametrize(
    "change",
    [
        {"command": ("run", "other")},
        {"env": {"A": "1"}},
        {"folder": "elsewhere"},
        {"ready": "started"},
        {"health": Health(heartbeat_s=1.0)},
        {"drain": DrainWay(signal="USR1")},
    ],
)
def test_what_an_agent_goes_by_makes_another(change):
    platform = Platform(("run", "feed"), host="b")

    assert digest(platform) != digest(replace(platform, **change))
