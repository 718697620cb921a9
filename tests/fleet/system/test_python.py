"""A Python of ours is started so that a file in the current folder is not run in place of a module."""

import re
import subprocess
import sys
from pathlib import Path

from flotilla.fleet.system.python import guard_command, module_command

ROOT = Path(__file__).resolve().parents[3]
SHADOWED = ("types", "asyncio", "signal", "queue", "calendar", "json", "flotilla", "msgspec", "zmq")


def test_a_module_does_not_see_the_current_folder(tmp_path):
    for name in SHADOWED:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('ran what nobody named')")

    command = module_command("flotilla.fleet.api", "x")
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)

    assert ended.returncode == 1
    assert b"the API of x cannot be served" in ended.stderr


def test_a_guard_runs_its_module_on_the_folder():
    command = guard_command("/run/desk", "bound", "flotilla.fleet.supervisor")

    assert command[:3] == [sys.executable, "-I", "-S"]
    assert command[4:8] == ["guard", "/run/desk", "bound", "--"]
    assert command[8:] == [sys.executable, "-P", "-m", "flotilla.fleet.supervisor", "/run/desk"]


def test_no_other_place_starts_a_module_of_ours():
    starts = re.compile(r'"-m",\s*f?"flotilla|"-m", module')
    files = [path for room in ("src", "bench") for path in (ROOT / room).rglob("*.py")]

    found = [path.relative_to(ROOT).as_posix() for path in files if starts.search(path.read_text())]

    assert found == ["src/flotilla/fleet/system/python.py"]
