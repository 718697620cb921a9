"""How a Python of ours is started: always by these two, so that nothing runs that nobody named.

`python -m` looks in the current folder before anywhere else: a types.py or signal.py that lies there, of a
user or of whoever may write there, would be run in place of Python's own, by the process that watches all
others. `-P` leaves the current folder out. It is no variable of the environment: what a fleet runs may be a
program of the user's own, which finds its neighbours as it always does.
"""

from __future__ import annotations

import sys

from flotilla.fleet.system import bare


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of ours, with `arguments`."""
    return [sys.executable, "-P", "-m", module, *arguments]


def guard_command(folder: str, mode: str, module: str) -> list[str]:
    """Return the command of a guard, which runs a module of ours on a run folder, and again if it dies.

    mode: what becomes of the platforms when it is gone, as in the fleet's file.
    """
    return bare.command("guard", folder, mode, "--", *module_command(module, folder))
