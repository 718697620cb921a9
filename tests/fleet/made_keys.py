"""Keys for a head and the hosts a and b, made once; and ports that nobody listens at."""

import atexit
import functools
import itertools
import os
import random
import shutil
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from flotilla.cli.fleet.keys import make


@functools.cache
def keys():
    """Return a folder of keys; skip where openssl is missing."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here")
    folder = Path(tempfile.mkdtemp(prefix="fl-keys-"))
    atexit.register(shutil.rmtree, folder)
    make(folder, ("a", "b"), days=1)
    return folder


@functools.cache
def _ports():
    """Return this test process's ports: no other has them, and the kernel gives none to who asks for any."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 20_000 + 1_000 * (worker % 12)
    return itertools.cycle(random.sample(range(first, first + 1_000), 1_000))


def free_port():
    for port in _ports():
        with socket.socket() as found, suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port
    raise AssertionError("the ports never end")
