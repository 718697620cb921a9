"""A fork becomes its command as it was told, or says what kept it."""

import os
import resource
import signal

import pytest

from flotilla.fleet import fork, tree
from flotilla.fleet.fork import Birth

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


@pytest.fixture
def born(tmp_path):
    """Return a function that runs a shell script and returns its exit status, output and trouble."""

    def run(script, **changes):
        log = os.open(tmp_path / "log", os.O_RDWR | os.O_CREAT | os.O_APPEND)
        nothing = os.open(os.devnull, os.O_RDWR)
        env = {"PATH": os.environ["PATH"]}
        birth = Birth(os.getpid(), ("sh", "-c", script), env, None, log, nothing, None, [], (), [], False)
        try:
            pid, trouble = fork.fork(birth._replace(**changes))
        finally:
            os.close(log)
            os.close(nothing)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return status, (tmp_path / "log").read_text(), trouble

    return run


def test_it_has_its_own_session_its_log_and_its_number_in_its_mark(born):
    status, said, trouble = born(f"cut -d' ' -f6 /proc/$$/stat; echo $$ ${tree.FIRST} >&2; cat; exit 3")

    session, number, first = said.split()
    assert (status, trouble) == (3, "")
    assert session == number == first


def test_signals_are_as_for_a_new_process(born):
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    handler = signal.signal(signal.SIGUSR1, signal.SIG_IGN)

    _, said, _ = born("grep -E 'Sig(Blk|Ign)' /proc/self/status")
    signal.signal(signal.SIGUSR1, handler)

    ours = sum(1 << (number - 1) for number in signal.valid_signals())  # two more are the C library's own
    assert [int(line.split()[1], 16) & ours for line in said.splitlines()] == [0, 0]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_limits_folder_and_descriptors_are_given_and_no_others(born, tmp_path):
    read, write = os.pipe()

    status, said, _ = born(
        f"ulimit -n; ulimit -c; pwd; echo x > /proc/$$/fd/{write}; echo x > /proc/$$/fd/{read}",
        rlimits=[(resource.RLIMIT_NOFILE, 77), (resource.RLIMIT_CORE, 0)],
        folder=str(tmp_path),
        fds=(write,),
    )

    assert said.splitlines()[:3] == ["77", "0", str(tmp_path)]
    assert os.read(read, 2) == b"x\n"
    assert status == 2  # the end that it was not given is not there
    os.close(read)
    os.close(write)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"argv": ("no-such-command",)}, "its command no-such-command: No such file"),
        ({"folder": "no-such-folder"}, "its folder no-such-folder: No such file"),
        ({"inside": 9999}, "its control group: Bad file descriptor"),
    ],
)
def test_what_kept_it_from_its_command_is_told(born, changes, told):
    status, _, trouble = born("true", **changes)

    assert status == 127
    assert told in trouble


def test_one_whose_parent_is_gone_becomes_nothing(born):
    status, said, _ = born("echo here", parent=1)

    assert (status, said) == (127, "")
