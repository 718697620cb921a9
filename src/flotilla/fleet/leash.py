"""Become a command that dies with whoever started it: `leash.py <parent's pid> <command...>`.

Run as a script, by itself, between fork and exec: code in a `preexec_fn` may deadlock in a
process with threads, and a command need not know of us. The kernel keeps the wish over
exec, and for this process alone: what the command forks must be found by its group.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: str, *command: str) -> None:
    """Be killed when `parent` ends, from now on; then run `command` in place of this."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"the kernel does not tie processes: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != int(parent):  # it ended before the kernel knew of our wish
        sys.exit("whoever started this is gone")
    try:
        os.execvp(command[0], command)  # noqa: S606 no shell is wanted
    except OSError as error:
        sys.exit(f"{command[0]} cannot be run: {error.strerror}")


if __name__ == "__main__":
    main(*sys.argv[1:])
