"""Run a module of this room in a process that holds next to nothing: `python -I -S bare.py <module> ...`.

For what stands beside the supervisor and is to be small (guard.py, fork_server.py): without site-packages,
and without the package's own door, which opens more than these need. They are imported and not run as
files, since Python compiles a file that is run anew each time, and keeps what that takes.
"""

from __future__ import annotations

import os
import sys
import types


def command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs `main` of `module` so, with `arguments`."""
    return [sys.executable, "-I", "-S", __file__, module, *arguments]


def main(module: str, *arguments: str) -> int:
    """Run it; return its exit code."""
    package = types.ModuleType("flotilla")
    package.__path__ = [os.path.abspath(f"{__file__}/../../..")]  # noqa: PTH100
    sys.modules["flotilla"] = package
    found = __import__(f"flotilla.fleet.system.{module}", fromlist=["main"])
    return int(found.main(*arguments))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
