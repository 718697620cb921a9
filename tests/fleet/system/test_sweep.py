"""What a fleet has left running is killed, unless somebody else looks after it."""

import fcntl
import os
import signal
import subprocess
import sys
from contextlib import suppress

from flotilla.fleet.system import tree

# Leaves one that hides, sweeps, and says who is still below it.
SWEEPS = """
import os, subprocess, sys
from flotilla.clock import sleep
from flotilla.fleet.system import spawn, sweep, tree
spawn._adopt_orphans()
subprocess.run(["sh", "-c", "(env -i setsid sleep 60 >/dev/null 2>&1 &)"])
while not any(tree.content(f"/proc/{pid}/comm") == b"sleep\\n" for pid in tree.children(os.getpid())):
    sleep(0.01)
if sys.argv[3:]:
    sweep._PATIENCE_S, sweep.kill.sweep = 0.2, lambda left, look: None
sweep.sweep_processes(sys.argv[1], others=False, unless_held=sys.argv[2] == "unless_held")
print(*tree.children(os.getpid()))
"""


def swept(folder, how, *more):
    ran = subprocess.run(
        [sys.executable, "-c", SWEEPS, str(folder), how, *more], capture_output=True, text=True, check=True
    )
    left = [int(pid) for pid in ran.stdout.split()]
    living = [pid for pid in left if (found := tree.read(pid)) is not None and not found.ended]
    for pid in living:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return living, ran.stderr


def test_none_of_our_descendants_is_left(tmp_path):
    assert swept(tmp_path, "all") == ([], "")


def test_they_are_left_to_another_supervisor_if_there_is_one(tmp_path):
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        living, said = swept(tmp_path, "unless_held")

        assert (len(living), said) == (1, "")
        assert swept(tmp_path, "all") == ([], "")
    assert swept(tmp_path, "unless_held") == ([], "")


def test_what_cannot_be_killed_is_named_and_not_waited_for_for_ever(tmp_path):
    living, said = swept(tmp_path, "all", "feeble")

    assert said == f"killed, and not gone: {living}\n"
