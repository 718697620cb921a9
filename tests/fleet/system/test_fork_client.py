"""Forks are had of a fork server, whatever becomes of that."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flotilla.clock import monotonic_ns, sleep
from flotilla.errors import ProcessError
from flotilla.fleet.system import fork_client, fork_server, tree
from flotilla.fleet.system.cgroup import Cgroups, Limits
from flotilla.fleet.system.fork import Birth
from flotilla.fleet.system.fork_client import ForkServer


def birth(*argv, **changes):
    given = {
        "env": {"PATH": os.environ["PATH"]},
        "folder": None,
        "rlimits": [],
        "bound": False,
        "log": 2,
        "nothing": 2,
    } | changes
    return Birth(os.getpid(), list(argv), **given)


@pytest.fixture
def server():
    yield (made := ForkServer())
    made.close()


def code(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"folder": "/some/where", "bound": True, "rlimits": [(1, 2), (3, -1)]},
        {"env": {"A": "", "B": "x=y", "C": "ä\udcff\n"}, "doors": [4, 5], "fds": [6]},
        {"inside": 7},
        {"inside": 7, "doors": [4], "fds": [6, 8, 9]},
    ],
)
def test_a_birth_arrives_as_it_was_sent(changes):
    sent = birth("sh", "-c", "", "two words", **changes)

    packed = fork_client.packed(sent)
    found = fork_server.unpacked(packed[fork_server.HEAD :], fork_client.descriptors(sent))

    assert int.from_bytes(packed[: fork_server.HEAD], "big") == len(packed) - fork_server.HEAD
    assert vars(found) == vars(sent)


def test_a_zero_byte_is_refused_before_anything_is_forked(server):
    with pytest.raises(ProcessError, match="zero byte"):
        server.fork(birth("echo", "a\0b"))

    assert server.pid == 0


def test_a_message_longer_than_any_buffer_arrives(server):
    env = {f"V{number}": "x" * 100_000 for number in range(10)}

    pid, trouble = server.fork(birth("sh", "-c", 'test "${#V9}" = 100000', env=env | {"PATH": os.defpath}))

    assert (code(pid), trouble) == (0, "")


def test_one_server_serves_many_and_another_comes_when_it_dies(server):
    pids = [server.fork(birth("sh", "-c", "exit 3"))[0]]
    first = server.pid
    pids.append(server.fork(birth("sh", "-c", "exit 4"))[0])
    assert server.pid == first

    os.kill(first, signal.SIGKILL)
    while not tree.read(first).ended:
        sleep(0.001)
    pids.append(server.fork(birth("sh", "-c", "exit 5"))[0])

    assert server.pid != first
    assert [code(pid) for pid in pids] == [3, 4, 5]


def test_a_server_that_stands_still_is_replaced_at_once(server):
    code(server.fork(birth("true"))[0])
    first = server.pid

    os.kill(first, signal.SIGSTOP)
    began_ns = monotonic_ns()
    pid, trouble = server.fork(birth("sh", "-c", "exit 6"))

    assert (code(pid), trouble) == (6, "")
    assert server.pid != first
    assert monotonic_ns() - began_ns < fork_client._PATIENCE_S * 1e9 / 2


def test_one_that_hangs_in_becoming_its_command_is_given_up(server, monkeypatch):
    code(server.fork(birth("true"))[0])
    read, write = os.pipe()
    os.set_blocking(write, False)
    try:
        while True:
            os.write(write, b"0" * 4096)
    except BlockingIOError:  # it is full: who writes into it waits, as on a disk that is gone
        os.set_blocking(write, True)

    with monkeypatch.context() as patch:
        patch.setattr(fork_client, "_PATIENCE_S", 0.3)
        pid, trouble = server.fork(birth("true", doors=[write]))

    assert (code(pid), trouble) == (-9, "its command: it stood still, or took longer than 0.3 s")
    assert code(server.fork(birth("sh", "-c", "exit 7"))[0]) == 7
    os.close(read)
    os.close(write)


def test_where_there_can_be_no_process_that_is_said(server, tmp_path):
    groups = Cgroups(tmp_path)
    if "pids" not in groups.limits:
        pytest.skip("no limit on processes by group can be set here")
    full = groups.make("full", Limits(pids=1))
    code(server.fork(birth("true"))[0])
    for folder in full.folders.values():
        (folder / "cgroup.procs").write_text(str(server.pid))

    with pytest.raises(ProcessError, match="Resource temporarily unavailable"):
        server.fork(birth("true"))

    server.close()
    groups.remove()


def test_one_that_has_many_descriptors_open_keeps_them_when_a_server_starts(server):
    pipes = [os.pipe() for _ in range(100)]

    assert code(server.fork(birth("sh", "-c", "exit 8"))[0]) == 8

    for read, write in pipes:
        os.write(write, b"x")
        assert os.read(read, 1) == b"x"
        os.close(read)
        os.close(write)


def test_a_server_goes_with_who_started_it():
    script = """
import os, signal
from flotilla.fleet.system.cgroup import Cgroups, Limits
from flotilla.fleet.system.fork import Birth
from flotilla.fleet.system.fork_client import ForkServer
server = ForkServer()
server.fork(Birth(os.getpid(), ["true"], dict(os.environ), None, [], bound=False, log=2, nothing=0))
print(server.pid, flush=True)
signal.pause()
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    ticks = tree.read(pid).start_ticks

    process.kill()
    process.communicate()

    until_ns = monotonic_ns() + 20_000_000_000
    while tree.alive(pid, ticks) and monotonic_ns() < until_ns:
        sleep(0.001)
    assert not tree.alive(pid, ticks)


def test_a_server_holds_the_fence_and_nothing_else_of_ours(tmp_path):
    fence = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    left = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(left, True)
    server = ForkServer(fence)
    read, write = os.pipe()

    pid, _ = server.fork(birth("sh", "-c", "ls -l /proc/$$/fd", log=write))
    os.close(write)
    code(pid)
    said = os.read(read, 1 << 16).decode()
    held = [str(fd.readlink()) for fd in Path(f"/proc/{server.pid}/fd").iterdir()]

    assert str(tmp_path / "lock") in held
    assert str(tmp_path / "lock") not in said
    assert len(said.splitlines()) == 4  # a heading and three descriptors
    server.close()
    os.close(fence)
    os.close(left)
    os.close(read)
