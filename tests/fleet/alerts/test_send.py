"""Messages go out by apprise, to a real server; what cannot go out waits, and no secret is told."""

import contextlib
import io
import logging

import pytest

from flotilla.fleet.alerts import send as send_module
from flotilla.fleet.alerts.outbox import Outbox, Queue
from flotilla.fleet.alerts.rules import AlertState, Message
from flotilla.fleet.alerts.send import Postman, send, send_test
from flotilla.fleet.spec.preferences import Alerts, Step

# Loading its hundred services, apprise meets modules that Python is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WANTED = Alerts((Step(("env:HOOK", "file:urls")),))


@pytest.fixture
def box(tmp_path):
    with contextlib.closing(Outbox(tmp_path / "alerts.db")) as box:
        yield box


def test_a_message_reaches_its_target(receiver, tmp_path, monkeypatch):
    monkeypatch.setenv("HOOK", receiver.url)

    went = send("env:HOOK", tmp_path, "critical", "engine failed", "died 4 times")

    assert went == ("env:HOOK", True, "sent")
    (message,) = receiver.messages
    assert (message["title"], message["message"], message["type"]) == (
        "engine failed",
        "died 4 times",
        "failure",
    )


def test_no_secret_is_told_when_it_does_not_go_well(receiver, tmp_path, monkeypatch):
    said = io.StringIO()
    logging.getLogger().addHandler(handler := logging.StreamHandler(said))
    logging.getLogger().setLevel(logging.DEBUG)
    receiver.refuses = True
    wents = []
    for address in (receiver.url, "nonsense://s3cret-token", "json://127.0.0.1:1/s3cret-token", ""):
        monkeypatch.setenv("HOOK", address)
        wents.append(send("env:HOOK", tmp_path, "info", "title", "body"))
    logging.getLogger().removeHandler(handler)

    assert [went.ok for went in wents] == [False] * 4
    assert "s3cret" not in said.getvalue() + repr(wents)


def test_a_test_message_goes_to_everybody_and_says_how_it_went(receiver, tmp_path, monkeypatch):
    monkeypatch.setenv("HOOK", receiver.url)
    (tmp_path / "urls").write_text(receiver.url)
    (tmp_path / "urls").chmod(0o644)

    wents = send_test(WANTED, tmp_path, "is somebody there?")

    assert [(went.target, went.ok) for went in wents] == [("env:HOOK", True), ("file:urls", False)]
    assert "chmod 600" in wents[1].what
    assert receiver.messages[0]["message"] == "is somebody there?"


def test_what_waits_goes_out_and_is_forgotten(box, receiver, tmp_path, monkeypatch, until):
    monkeypatch.setenv("HOOK", receiver.url)
    box.keep(
        1,
        AlertState(),
        [Message(0, "critical", "one", ""), Message(0, "critical", "two", "x")],
        Alerts((Step(("env:HOOK",)),)),
        1,
    )
    post = Postman(box, tmp_path, "day")

    until(lambda: post.go() is not None and not box.queues())

    assert receiver.titles() == ["[day] one", "[day] two"]
    assert [message["message"] for message in receiver.messages] == ["(message 1)", "x\n(message 2)"]
    post.close()


def test_a_target_that_fails_is_tried_again_and_holds_up_no_other(
    box, receiver, other, tmp_path, monkeypatch, until
):
    monkeypatch.setenv("HOOK", receiver.url)
    (tmp_path / "urls").write_text(other.url)
    (tmp_path / "urls").chmod(0o600)
    receiver.refuses = True
    box.keep(1, AlertState(), [Message(0, "critical", f"number {n}", "") for n in range(3)], WANTED, 1)
    post = Postman(box, tmp_path, "day")

    until(lambda: post.go() is not None and len(other.messages) == 3)
    assert len(box.waiting(Queue("env:HOOK", 1))) == 3
    assert receiver.tries == 1  # not at every look

    receiver.refuses = False
    until(lambda: post.go() is not None and not box.queues())
    assert len(receiver.messages) == 3
    post.close()


def test_an_address_that_is_dead_holds_up_no_other_of_its_target_and_repeats_nothing_to_it(
    box, receiver, other, tmp_path, monkeypatch, until
):
    monkeypatch.setenv("HOOK", f"{receiver.url}\n{other.url}")
    monkeypatch.setattr(send_module, "_FIRST_S", 0.05)
    receiver.refuses = True
    wanted = Alerts((Step(("env:HOOK",)),))
    box.keep(1, AlertState(), [Message(0, "critical", f"number {n}", "") for n in range(3)], wanted, 1)
    post = Postman(box, tmp_path, "day")

    until(lambda: post.go() is not None and receiver.tries >= 3 and len(other.messages) >= 3, seconds=30)

    assert other.titles() == [f"[day] number {n}" for n in range(3)]
    receiver.refuses = False
    until(lambda: post.go() is not None and not box.queues(), seconds=30)
    assert receiver.titles() == other.titles()
    post.close()


def test_an_address_that_was_taken_out_is_owed_nothing_any_more(box, receiver, tmp_path, monkeypatch, until):
    monkeypatch.setenv("HOOK", f"{receiver.url}\njson://127.0.0.1:1/s3cret-token")
    monkeypatch.setattr(send_module, "_FIRST_S", 0.05)
    box.keep(1, AlertState(), [Message(0, "critical", "one", "")], Alerts((Step(("env:HOOK",)),)), 1)
    post = Postman(box, tmp_path, "day")
    wents = []
    until(lambda: wents.extend(post.go()) or any(not went.ok for went in wents), seconds=30)

    monkeypatch.setenv("HOOK", receiver.url)

    until(lambda: post.go() is not None and not box.queues(), seconds=30)
    assert receiver.titles() == ["[day] one"]
    post.close()


def test_a_target_that_is_not_known_yet_waits(box, receiver, tmp_path, monkeypatch, until):
    monkeypatch.setattr(send_module, "_FIRST_S", 0.05)
    box.keep(1, AlertState(), [Message(0, "critical", "one", "")], Alerts((Step(("env:HOOK",)),)), 1)
    post = Postman(box, tmp_path, "day")

    (went,) = post.go()
    monkeypatch.setenv("HOOK", receiver.url)

    assert (went.target, went.ok) == ("env:HOOK", False)
    until(lambda: post.go() is not None and not box.queues(), seconds=30)
    assert receiver.titles() == ["[day] one"]
    post.close()


def test_what_piled_up_goes_out_as_one(box, receiver, tmp_path, monkeypatch, until):
    monkeypatch.setenv("HOOK", receiver.url)
    wanted = Alerts((Step(("env:HOOK",)),))
    box.keep(1, AlertState(), [Message(0, "warning", f"number {n}", "") for n in range(60)], wanted, 1)
    post = Postman(box, tmp_path, "day")

    until(lambda: post.go() is not None and not box.queues())

    (message,) = receiver.messages
    assert message["title"] == "[day] 60 messages that could not be sent before"
    assert "number 39\nand 20 lines more\n(messages 1 to 60)" in message["message"]
    post.close()


def test_a_receiver_that_is_slow_holds_up_nobody(box, receiver, tmp_path, monkeypatch):
    monkeypatch.setenv("HOOK", receiver.url)
    receiver.slow_s = 0.5
    box.keep(1, AlertState(), [Message(0, "warning", "slow", "")], Alerts((Step(("env:HOOK",)),)), 1)
    post = Postman(box, tmp_path, "day")

    post.go()
    assert post.go() == []  # at once, and once
    post.close()

    assert receiver.titles() == ["[day] slow"]
    assert box.queues() == []
