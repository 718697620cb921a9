"""A folder for what a measurement writes: on the disk that runs are kept on, and gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder in .flotilla/, so that what is called a disk is the one that users have."""
    home = Path(".flotilla")
    home.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=home) as folder:
        yield Path(folder)
