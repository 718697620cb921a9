"""Requests: a reply, a refusal, or unknown; and no answer is ever taken for another's."""

import os
import signal

import pytest
import zmq

from flotilla.errors import DataError
from flotilla.stream.socket import Pending, Replied, RequestRefused, Unknown, Unseen, ZmqClient, ZmqServer


@pytest.fixture
def endpoint(folder):
    return f"ipc://{folder}/orders"


@pytest.fixture
def server(endpoint, own):
    return own(ZmqServer(endpoint))


@pytest.fixture
def client(endpoint, server, own):
    """Return a client that has found the server, which is in the same thread."""
    made = own(ZmqClient(endpoint))
    assert made.socket.poll(5_000, zmq.POLLOUT)
    return made


def test_a_reply_and_a_refusal_come_to_who_asked(server, client):
    good = client.submit(b"buy", 5.0)
    bad = client.submit(b"nonsense", 5.0)
    asked = []
    while len(asked) < 2:
        asked += server.receive(1.0)
    server.refuse(bad, "no such order")
    server.reply(good, b"bought")

    outcomes = client.collect(5.0)
    while len(outcomes) < 2:
        outcomes += client.collect(5.0)

    assert [request.payload for request in asked] == [b"buy", b"nonsense"]
    assert outcomes == [RequestRefused(bad, "no such order"), Replied(good, b"bought")]


def test_no_server_is_unknown_after_the_deadline(endpoint, own):
    client = own(ZmqClient(endpoint))

    assert client.request(b"buy", 0.05, "o1") == Unknown("o1", "no server took it")


def test_no_answer_in_time_is_unknown_and_a_query_resolves_it(server, client):
    client.submit(b"buy", 0.05, "o1")
    assert server.receive(1.0) == [("o1", b"buy")]
    assert client.collect(5.0) == [Unknown("o1", "no answer in time")]

    assert query(client, server, "o1") == Pending("o1")
    server.reply("o1", b"bought")

    assert query(client, server, "o1") == Replied("o1", b"bought")
    assert query(client, server, "o2") == Unseen("o2")
    assert client.late == 1


def hears_again(server: ZmqServer, times: int) -> list[object]:
    """Return what is handed out until so many requests have come again."""
    handed_out: list[object] = []
    for _ in range(2_000):
        if server.repeated >= times:
            break
        handed_out += server.receive(0.01)
    return handed_out


def query(client: ZmqClient, server: ZmqServer, request_id: str) -> object:
    """Return the answer to a query whose server is in the same thread."""
    client.inquire(request_id, 5.0)
    while True:
        server.receive(0.01)
        if found := client.collect(0.01):
            return found[0]


def test_a_late_reply_is_not_taken_for_the_next_answer(server, client):
    client.submit(b"first", 0.01, "o1")
    server.receive(1.0)
    assert client.collect(5.0) == [Unknown("o1", "no answer in time")]
    client.submit(b"second", 5.0, "o2")
    server.receive(1.0)

    server.reply("o1", b"first is done")
    server.reply("o2", b"second is done")

    assert client.collect(5.0) == [Replied("o2", b"second is done")]
    assert client.late == 1


def test_the_same_request_again_is_handed_out_once_and_gets_the_same_answer(server, client):
    client.submit(b"buy", 0.01, "o1")
    assert server.receive(1.0) == [("o1", b"buy")]
    client.collect(1.0)
    client.submit(b"buy", 5.0, "o1")
    assert hears_again(server, 1) == []
    server.reply("o1", b"bought")
    assert client.collect(5.0) == [Replied("o1", b"bought")]

    client.submit(b"buy", 5.0, "o1")

    assert hears_again(server, 2) == []
    assert client.collect(5.0) == [Replied("o1", b"bought")]
    assert server.repeated == 2


def test_another_request_under_a_known_id_is_refused(server, client):
    client.submit(b"buy", 5.0, "o1")
    server.receive(1.0)
    server.reply("o1", b"bought")
    client.collect(5.0)

    client.submit(b"sell", 5.0, "o1")

    assert hears_again(server, 1) == []
    assert client.collect(5.0) == [RequestRefused("o1", "another request had this id")]


def test_the_memory_of_answers_is_bounded_and_a_journal_may_stand_in(endpoint, own):
    journal = {"o0": b"from the journal"}
    server = own(ZmqServer(endpoint, remembered=2, resolve=journal.get))
    client = own(ZmqClient(endpoint))
    assert client.socket.poll(5_000, zmq.POLLOUT)
    for n in range(3):
        client.submit(b"buy", 5.0, f"o{n}")
        server.receive(1.0)
        server.reply(f"o{n}", b"bought %d" % n)
        client.collect(5.0)

    assert query(client, server, "o0") == Replied("o0", b"from the journal")
    assert query(client, server, "o2") == Replied("o2", b"bought 2")


def test_a_reply_that_nobody_waits_for_is_a_mistake(server):
    with pytest.raises(DataError, match="no request o1"):
        server.reply("o1", b"bought")


def test_nonsense_is_refused_and_counted(endpoint, server, client, own):
    stranger = own(zmq.Context.instance().socket(zmq.DEALER))
    stranger.connect(endpoint)
    for junk in ([b"junk"], [b"a", b"b"], [b""], [b"\xc1" * 100], [b"\x94\x01\xa3bad\xa1x\xc4\x00"]):
        stranger.send_multipart(junk)
    client.submit(b"buy", 5.0, "o1")

    asked = []
    for _ in range(100):
        asked += server.receive(0.01)
        if asked and server.refused == 5:
            break

    assert server.refused == 5
    assert asked == [("o1", b"buy")]


def test_outcomes_that_come_while_another_is_waited_for_are_kept(endpoint, start, own):
    start(SERVES, endpoint, "echo")
    client = own(ZmqClient(endpoint))
    client.submit(b"first", 5.0, "o1")

    assert client.request(b"second", 5.0, "o2") == Replied("o2", b"second")
    assert client.collect(5.0) == [Replied("o1", b"first")]


SERVES = """
import sys, os
from flotilla.stream.socket import ZmqServer
server = ZmqServer(sys.argv[1])
print("ready", flush=True)
while True:
    for request in server.receive(1.0):
        if sys.argv[2] == "dies":
            os.kill(os.getpid(), 9)
        server.reply(request.request_id, request.payload)
"""


def test_a_server_killed_over_a_request_leaves_it_unknown_and_the_next_one_serves(endpoint, start, own):
    dying = start(SERVES, endpoint, "dies")
    client = own(ZmqClient(endpoint))
    assert client.socket.poll(5_000, zmq.POLLOUT)

    first = client.request(b"buy", 0.3, "o1")
    dying.wait()
    start(SERVES, endpoint, "echo")

    assert first == Unknown("o1", "no answer in time")
    assert dying.returncode == -signal.SIGKILL
    assert client.query("o1", 5.0) == Unseen("o1")
    assert client.request(b"buy", 5.0, "o1") == Replied("o1", b"buy")


def test_a_server_that_hangs_costs_the_deadline_and_no_more(endpoint, start, own):
    hanging = start(SERVES, endpoint, "echo")
    client = own(ZmqClient(endpoint))
    assert client.request(b"1", 5.0, "o1") == Replied("o1", b"1")
    os.kill(hanging.pid, signal.SIGSTOP)

    assert client.request(b"2", 0.05, "o2") == Unknown("o2", "no answer in time")
    os.kill(hanging.pid, signal.SIGCONT)

    assert client.request(b"3", 5.0, "o3") == Replied("o3", b"3")
