"""A fork becomes its command as it was told, or says what kept it."""

import os
import resource
import signal

import pytest

from flotilla.fleet.system import marks
from flotilla.fleet.system.fork import Birth
from flotilla.fleet.system.fork_client import ForkServer


@pytest.fixture
def born(tmp_path):
    """Return a function that runs a shell script and returns its exit status, output and trouble."""
    server = ForkServer()

    def run(script, **changes):
        log = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDWR)
        birth = Birth(
            os.getpid(),
            ["sh", "-c", script],
            {"PATH": os.environ["PATH"]},
            None,
            [],
            bound=False,
            log=log,
            nothing=nothing,
        )
        for name, value in changes.items():
            setattr(birth, name, value)
        try:
            pid, trouble = server.fork(birth)
        finally:
            os.close(log)
            os.close(nothing)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return status, (tmp_path / "log").read_text(), trouble

    yield run
    server.close()


def test_it_is_ours_and_has_its_own_session_its_log_and_its_number_in_its_mark(born):
    status, said, trouble = born(f"cut -d' ' -f4,6 /proc/$$/stat; echo $$ ${marks.FIRST} >&2; cat; exit 3")

    parent, session, number, first = said.split()
    assert (status, trouble) == (3, "")
    assert int(parent) == os.getpid()
    assert session == number == first


def test_signals_are_as_for_a_new_process(born):
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    handler = signal.signal(signal.SIGUSR1, signal.SIG_IGN)

    _, said, _ = born("grep -E 'Sig(Blk|Ign)' /proc/self/status")
    signal.signal(signal.SIGUSR1, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)

    ours = sum(1 << (number - 1) for number in signal.valid_signals())  # two more are the C library's own
    assert [int(line.split()[1], 16) & ours for line in said.splitlines()] == [0, 0]


def test_limits_and_folder_are_given(born, tmp_path):
    limits = [(resource.RLIMIT_NOFILE, 77), (resource.RLIMIT_CORE, 0)]

    _, said, _ = born("ulimit -n; ulimit -c; pwd", rlimits=limits, folder=str(tmp_path))

    assert said.splitlines() == ["77", "0", str(tmp_path)]


def test_descriptors_are_given_from_three_on_and_no_others(born):
    first, second = os.pipe(), os.pipe()

    _, said, _ = born("echo x >&3; echo y >&4; ls /proc/$$/fd", fds=[first[1], second[1]])

    assert [os.read(first[0], 2), os.read(second[0], 2)] == [b"x\n", b"y\n"]
    assert said.split() == ["0", "1", "2", "3", "4"]
    for fd in (*first, *second):
        os.close(fd)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"argv": ["no-such-command"]}, "its command no-such-command: No such file"),
        ({"argv": ["/"]}, "its command /: Permission denied"),
        ({"folder": "no-such-folder"}, "its folder no-such-folder: No such file"),
        ({"rlimits": [(resource.RLIMIT_NOFILE, -7)]}, "its limits: "),
    ],
)
def test_what_kept_it_from_its_command_is_told(born, changes, told):
    status, _, trouble = born("true", **changes)

    assert status == 127
    assert trouble.startswith(told)


def test_a_control_group_that_cannot_be_joined_is_told(born):
    nowhere = os.open("/", os.O_RDONLY)

    status, _, trouble = born("true", inside=nowhere)
    os.close(nowhere)

    assert status == 127
    assert trouble.startswith("its control group: ")


def test_one_whose_parent_is_gone_becomes_nothing(born):
    status, said, trouble = born("echo here", parent=1)

    assert (status, said, trouble) == (127, "", "")
