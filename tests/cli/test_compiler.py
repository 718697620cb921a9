import os

import numpy as np
import pytest

from flotilla.cli.compiler import waits_for
from flotilla.kernel.compile import compiled


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return the folder that compiled code is kept in."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def kernel():
    """Return one that this process has not compiled yet."""

    @compiled
    def made(x):
        return x + 1.0

    return made


def test_a_kernel_is_waited_for_until_its_code_is_in_the_cache(cache):
    before = waits_for(kernel())
    kernel()(1.0)

    assert before == "the compiler first: up to a minute, this once"
    assert waits_for(kernel()) == ""


def test_code_that_is_damaged_is_waited_for_again(cache):
    kernel()(1.0)
    (index,) = cache.rglob("*.nbi")
    index.write_bytes(b"")

    assert waits_for(kernel()) == "the compiler first: up to a minute, this once"


def test_who_has_no_place_for_it_is_told_what_to_set(cache, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    read_only = waits_for(kernel())
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/proc/1/nothing")
    nowhere = waits_for(kernel())

    assert f"cannot be kept in {cache}" in read_only
    assert all("set XDG_CACHE_HOME or NUMBA_CACHE_DIR" in said for said in (read_only, nowhere))
    assert np.isfinite(kernel()(1.0))
