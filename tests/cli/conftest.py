"""A small study, and the command line as a test calls it."""

import json
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from flotilla.cli.main import main

PROGRAM = (sys.executable, "-m", "flotilla.cli.main")  # a process of its own


class Called(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out, parse_constant=pytest.fail)  # NaN is no JSON


Call = Callable[..., Called]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Return what calls a command in this process, as if no terminal were there."""
    monkeypatch.delenv("COLUMNS", raising=False)

    def called(*argv: object) -> Called:
        capsys.readouterr()
        code = main([str(part) for part in argv])
        return Called(code, *capsys.readouterr())

    return called
