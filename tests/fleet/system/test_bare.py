"""What runs bare has neither site-packages nor the package's own door, and is compiled once."""

import subprocess
import sys

import pytest

from flotilla.fleet.system import bare


def test_a_module_is_run_with_its_arguments_and_ends_with_its_code():
    command = bare.command("guard", "x", "y", "z")

    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert command[:3] == [sys.executable, "-I", "-S"]
    assert (ended.returncode, ended.stderr.startswith("usage: guard")) == (1, True)


@pytest.mark.parametrize(("module", "arguments"), [("guard", "xyz"), ("fork_server", "1")])
def test_what_is_to_be_small_loads_next_to_nothing(module, arguments):
    python, *rest = bare.command(module, *arguments)

    ended = subprocess.run([python, "-X", "importtime", *rest], capture_output=True, text=True, check=False)

    loaded = {line.split("|")[2].strip() for line in ended.stderr.splitlines() if line.count("|") == 2}
    assert f"flotilla.fleet.system.{module}" in loaded
    assert not loaded & {"typing", "re", "contextlib", "inspect", "logging", "asyncio", "pathlib", "msgspec"}
