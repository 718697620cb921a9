"""What the tests of streams share."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")
Own = Callable[[T], T]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder with a short path: a unix socket's may have 107 bytes, and pytest's are long."""
    made = Path(tempfile.mkdtemp(prefix="fl-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def own() -> Iterator[Own]:
    """Return a function that closes what it was given when the test is over."""
    with ExitStack() as stack:
        yield lambda thing: stack.enter_context(closing(thing))


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that runs a script in a process of its own, once it has said "ready"."""
    children = []

    def run(script: str, *argv: object) -> subprocess.Popen[str]:
        argv = (sys.executable, "-c", script, *map(str, argv))
        child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        return child

    yield run
    for child in children:
        child.kill()
        with child:
            child.wait()
