"""Compiled code is kept, found again, and never run where it is not as it was written."""

import errno
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from flotilla.kernel import cache
from flotilla.kernel.cache import Code
from flotilla.kernel.compile import KERNEL_IDENTITY

SOURCE = """
from flotilla.kernel.compile import compiled

@compiled
def inner(x):
    return x * 2.0

@compiled
def twice(x):
    return inner(x[0])
"""


class Asked(NamedTuple):
    values: tuple[float, float]
    found: int  # of the two signatures, those whose code was there


def asked(source: Path) -> Asked:
    """Return what a process that has compiled nothing yet computes, and finds."""
    names: dict[str, Any] = {}
    exec(compile(source.read_text(), source, "exec"), names)
    twice = names["twice"]
    values = twice(np.array([1.5])), twice(np.array([2], np.int64))
    return Asked(values, sum(twice.stats.cache_hits.values()))


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of two small kernels; the folder `cache` beside it is for their code."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    made = tmp_path / "small.py"
    made.write_text(SOURCE)
    return made


def flipped(path: Path, at: int) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-7]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"."),
    "flipped": lambda path: flipped(path, len(path.read_bytes()) // 2),
    "flipped checksum": lambda path: flipped(path, 3),
    "text": lambda path: path.write_text("no code at all, but longer than a checksum"),
    "not there": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
@pytest.mark.parametrize("which", ["nbi", "1.nbc"])
def test_what_is_damaged_is_compiled_anew_and_mended(source, tmp_path, which, damage):
    assert asked(source) == ((3.0, 4.0), 0)
    assert asked(source) == ((3.0, 4.0), 2)
    (path,) = (tmp_path / "cache").rglob(f"small.twice-*.{which}")
    assert path.parents[1].name == KERNEL_IDENTITY

    damage(path)

    assert asked(source) == ((3.0, 4.0), 0 if which == "nbi" else 1)
    assert asked(source) == ((3.0, 4.0), 2)


def test_code_that_lies_under_anothers_name_is_not_run(source, tmp_path):
    asked(source)
    one, two = sorted((tmp_path / "cache").rglob("small.twice-*.nbc"))

    two.write_bytes(one.read_bytes())

    assert asked(source) == ((3.0, 4.0), 1)


def test_of_two_that_were_written_at_once_neither_is_taken_for_the_other(source, tmp_path):
    asked(source)
    (index,) = (tmp_path / "cache").rglob("small.twice-*.nbi")
    kept = Code(_function(source, "twice"), index.parent)
    names = kept._index()
    one, two = names

    kept._write(index.name, {two: names[one]})  # one's code lies where two's index entry points

    assert asked(source) == ((3.0, 4.0), 0)
    assert asked(source) == ((3.0, 4.0), 2)


def _function(source: Path, name: str) -> Any:
    names: dict[str, Any] = {}
    exec(compile(source.read_text(), source, "exec"), names)
    return names[name].py_func


def test_where_nothing_can_be_kept_it_is_compiled_in_memory(source, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/proc/1/nothing")

    assert asked(source) == asked(source) == ((3.0, 4.0), 0)
    assert list(tmp_path.iterdir()) == [source]  # nor beside the source


def test_a_cache_that_cannot_be_written_is_read(source, tmp_path, monkeypatch):
    asked(source)
    (code,) = (tmp_path / "cache").rglob("small.twice-*.1.nbc")
    code.unlink()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)

    assert asked(source) == asked(source) == ((3.0, 4.0), 1)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"NUMBA_CACHE_DIR": "/a", "XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"XDG_CACHE_HOME": "/b", "HOME": "/c"}, "/b/flotilla/kernels"),
        ({"HOME": "/c"}, "/c/.cache/flotilla/kernels"),
        ({"HOME": "relative"}, None),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/c"}, None),
    ],
)
def test_the_place_is_named_by_the_environment(monkeypatch, environment, expected):
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert cache.root() == (expected and Path(expected))


def test_nobody_without_a_home_has_a_place(monkeypatch):
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cache.os.path, "expanduser", lambda path: path)  # as for a user that is not known

    assert cache.root() is None


def test_what_was_typed_at_a_prompt_is_not_kept():
    namespace: dict[str, object] = {}
    exec("def typed(x):\n    return x\n", namespace)

    assert cache.kept_for(namespace["typed"], "0") is None
