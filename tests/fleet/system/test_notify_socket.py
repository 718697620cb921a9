"""What children say is heard, and the kernel tells who says it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flotilla.clock import sleep
from flotilla.fleet.system import tree
from flotilla.fleet.system.notify_socket import NotifySocket, whose, words

READY = "import os; from flotilla import notify; notify.ready(); print(os.getpid(), os.getuid())"


@pytest.fixture
def ears(tmp_path):
    ears = NotifySocket(tmp_path / "notify.sock")
    yield ears
    ears.close()


def say(ears, message):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
        speaker.sendto(message, str(ears.path))


def test_a_message_comes_with_the_process_and_user_that_sent_it(ears):
    env = os.environ | {"NOTIFY_SOCKET": str(ears.path)}

    said = subprocess.run([sys.executable, "-c", READY], env=env, capture_output=True, check=True, text=True)

    (heard,) = ears.hear()
    assert (heard.pid, heard.uid) == tuple(map(int, said.stdout.split()))
    assert heard.said == {"READY": "1"}
    assert ears.hear() == []


def test_lines_are_keys_and_values_and_the_rest_is_left_out():
    said = words(b"READY=1\nSTATUS=a=b\nnonsense\n=x\n\xff=1")

    assert said == {"READY": "1", "STATUS": "a=b", "\N{REPLACEMENT CHARACTER}": "1"}


def test_messages_are_heard_in_order_and_one_that_is_too_long_is_not_cut(ears):
    for message in (b"STATUS=1", b"STATUS=" + b"x" * 5000, b"STATUS=2"):
        say(ears, message)

    assert [heard.said["STATUS"] for heard in ears.hear()] == ["1", "2"]


def test_descriptors_that_are_sent_along_are_not_kept(ears):
    before = len(list(Path("/proc/self/fd").iterdir()))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
        speaker.connect(str(ears.path))
        socket.send_fds(speaker, [b"FDSTORE=1"], [0])

    (heard,) = ears.hear()

    assert heard.pid == os.getpid()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_address_of_one_that_died_is_taken_over_and_is_private(tmp_path):
    NotifySocket(tmp_path / "s")._socket.close()  # as the kernel does for a dead process

    ears = NotifySocket(tmp_path / "s")

    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600
    ears.close()
    assert not (tmp_path / "s").exists()


def test_who_speaks_is_known_by_the_kernel_and_not_by_what_it_says_of_itself(tmp_path):
    marks = {tree.FLEET: str(tmp_path), tree.PLATFORM: "feed"}
    marked = subprocess.Popen(["sleep", "60"], env=os.environ | marks)
    parent = subprocess.Popen(["sh", "-c", "sleep 60; true"], start_new_session=True)
    while not (grandchildren := tree.children(parent.pid)) or tree.mark_of(marked.pid) is None:
        sleep(0.005)
    leaders = {parent.pid: "strategy"}

    assert whose(parent.pid, leaders, {}.get) == "strategy"
    assert whose(grandchildren[0], leaders, {}.get) == "strategy"
    assert whose(marked.pid, leaders, {}.get) is None
    assert whose(marked.pid, leaders, {marked.pid: "feed"}.get) == "feed"
    assert whose(os.getpid(), leaders, {}.get) is None
    for process in (marked, parent):
        os.killpg(process.pid, 9) if process is parent else process.kill()
        process.wait()
    assert whose(marked.pid, {}, {}.get) is None
