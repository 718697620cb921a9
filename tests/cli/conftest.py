"""A small study, and the command line as a test calls it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from flotilla.cli.main import main

STUDY = """
name: small
data: {source: sample, start: 2019-01-01, end: 2021-12-31, instruments: [AAPL, JNJ, KO]}
strategies:
  cross: {kind: ma_cross, params: {fast: 5, slow: 20}}
portfolio: {fee_bps: 5}
"""
SWEEP = """
sweep:
  cross.fast: [3, 5]
  cross.slow: [20, 30, 40]
"""
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


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """Return the file of one small portfolio."""
    path = tmp_path / "one.yaml"
    path.write_text(STUDY)
    return path


@pytest.fixture
def six(tmp_path: Path) -> Path:
    """Return the file of a sweep of six small portfolios."""
    path = tmp_path / "six.yaml"
    path.write_text(STUDY + SWEEP)
    return path
