"""Small inputs that went wrong once, each with a check of its own that knows the right value."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "cases"
CASES = sorted(check.parent.name for check in FOLDER.glob("*/check.py"))
FLOTILLA = Path(sys.executable).with_name("flotilla")
CANNOT_RUN_HERE = 3  # it needs root, or a mount namespace


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_case_is_right(shared, case, home):
    env = {**os.environ, "FLOTILLA": str(FLOTILLA), "FLOTILLA_HOME": str(home)}
    check = [sys.executable, str(shared / "cases" / case / "check.py")]

    done = subprocess.run(check, env=env, capture_output=True, text=True, timeout=600, check=False)

    if done.returncode == CANNOT_RUN_HERE:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_case_is_forgotten(shared):
    assert sorted(folder.name for folder in (shared / "cases").iterdir() if folder.is_dir()) == CASES
