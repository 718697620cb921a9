"""Keys for a head and the hosts a and b, made once; and ports that nobody listens at."""

import atexit
import functools
import shutil
import socket
import tempfile
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


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
