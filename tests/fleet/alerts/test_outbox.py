"""What was decided is kept: over a close, a crash in the middle, and a second writer."""

import os
import signal
import stat
import subprocess
import sys

import pytest

from flotilla.errors import StreamError
from flotilla.fleet.alerts.outbox import Outbox, Queue
from flotilla.fleet.alerts.rules import AlertState, Held, Message
from flotilla.fleet.spec.preferences import Alerts, Step

WANTED = Alerts((Step(("env:A", "env:B")), Step(("env:C",))))
HELD = AlertState(held=(Held("warning", "something"),), tokens=1.5)


def message(title="failed", to=0):
    return Message(to, "critical", title, "body")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "alerts.db"


def test_a_new_outbox_is_empty_and_private(path):
    box = Outbox(path)

    assert (box.is_new, box.cursor, box.state, box.queues()) == (True, 0, AlertState(), [])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    box.close()


def test_a_message_is_a_letter_to_each_target_of_its_list(path):
    box = Outbox(path)
    box.keep(7, HELD, [message("one"), message("two", to=1), message("three", to=9)], WANTED, 123)
    box.close()

    box = Outbox(path)

    assert (box.is_new, box.cursor, box.state) == (False, 7, HELD)
    assert sorted(box.queues()) == [("env:A", 0), ("env:B", 0), ("env:C", 0)]
    assert box.waiting(Queue("env:A", 0)) == [(1, 123, "env:A", "critical", "one", "body")]
    assert [letter.title for letter in box.waiting(Queue("env:C", 0))] == ["two", "three"]
    box.close()


def test_what_was_sent_is_forgotten_and_its_number_is_not_given_again(path):
    box = Outbox(path)
    box.keep(1, AlertState(), [message("one")], WANTED, 1)
    for target in ("env:A", "env:B"):
        box.split(target, 1)
        box.sent(box.waiting(Queue(target, 1)), 1)
    box.keep(2, AlertState(), [message("two")], WANTED, 2)

    assert [letter.number for letter in box.waiting(Queue("env:A", 0))] == [3]
    box.close()


def test_a_letter_is_owed_to_each_address_of_its_target_until_it_was_sent_there(path):
    box = Outbox(path)
    box.keep(1, AlertState(), [message("one")], Alerts((Step(("env:A",)),)), 1)

    box.split("env:A", 2)
    box.keep(2, AlertState(), [message("two")], Alerts((Step(("env:A",)),)), 2)
    box.split("env:A", 2)
    box.sent(box.waiting(Queue("env:A", 1)), 1)
    box.close()
    box = Outbox(path)

    assert box.queues() == [("env:A", 2)]
    assert [letter.title for letter in box.waiting(Queue("env:A", 2))] == ["one", "two"]
    box.sent(box.waiting(Queue("env:A", 2), most=1), 2)
    assert [letter.title for letter in box.waiting(Queue("env:A", 2))] == ["two"]
    box.sent(box.waiting(Queue("env:A", 2)), 2)
    assert box.queues() == []
    box.close()


def test_there_is_one_writer(path):
    box = Outbox(path)
    box.keep(1, AlertState(), [], WANTED, 1)

    with pytest.raises(StreamError):
        Outbox(path)
    box.close()


def test_what_is_no_outbox_is_refused(path):
    path.write_bytes(b"something else " * 1000)

    with pytest.raises(StreamError):
        Outbox(path)


WRITER = """
import sys
from pathlib import Path
from flotilla.fleet.alerts.outbox import Outbox
from flotilla.fleet.spec.preferences import Alerts, Step
from flotilla.fleet.alerts.rules import AlertState, Message
box = Outbox(Path(sys.argv[1]))
while True:
    n = box.cursor + 1
    letters = [Message(0, "critical", str(n), "")] * 3
    box.keep(n, AlertState(dropped=n), letters, Alerts((Step(("env:A",)),)), n)
    print(n, flush=True)
"""


def test_a_kill_at_any_moment_leaves_the_cursor_the_state_and_the_letters_in_step(path):
    for round_ in range(5):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        for _ in range(10 + round_):
            said = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        said = int(([said, *writer.stdout.read().split()])[-1])
        writer.wait()
        writer.stdout.close()

        box = Outbox(path)
        assert box.cursor >= said
        assert box.state.dropped == box.cursor
        letters = box.waiting(Queue("env:A", 0), most=-1)
        assert [letter.title for letter in letters] == [
            str(n) for n in range(1, box.cursor + 1) for _ in range(3)
        ]
        box.close()
