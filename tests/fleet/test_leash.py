"""A command that dies with whoever started it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import flotilla.fleet.leash

LEASH = str(Path(flotilla.fleet.leash.__file__))


def leashed(*command: str, parent: int | None = None) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-I", "-S", LEASH, str(parent or os.getpid()), *command]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_the_command_takes_its_place():
    done = leashed("sh", "-c", "echo $$; exit 7")

    assert done.returncode == 7
    assert done.stdout.strip().isdigit()


def test_the_kernel_keeps_the_wish_over_exec():
    script = "import ctypes; x = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(x)); print(x.value)"

    assert leashed(sys.executable, "-c", script).stdout == f"{int(signal.SIGKILL)}\n"


def test_a_parent_that_is_gone_already_is_noticed():
    done = leashed("true", parent=1)

    assert (done.returncode, done.stderr) == (1, "whoever started this is gone\n")


def test_a_command_that_is_not_there_is_named():
    done = leashed("/no/such/thing")

    assert done.returncode == 1
    assert "/no/such/thing cannot be run: No such file" in done.stderr
