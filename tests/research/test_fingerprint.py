"""A value's fingerprint: another one wherever the rows of a stage could be others."""

import enum
import functools
import logging
import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar
from zoneinfo import ZoneInfo

import numba
import numpy as np
import pandas as pd
import polars as pl
import pytest

from flotilla.research import fingerprint
from flotilla.research.fingerprint import Fingerprint, Unnameable, versions_of
from flotilla.stage.expression import close, high
from flotilla.stage.operators import sma


def of(*values, places=()):
    made = Fingerprint(places)
    for value in values:
        made.take(value)
    return made.hex


class Thing:
    """A class of the user's own, as this file is."""

    level = 1

    def __init__(self, **values):
        vars(self).update(values)


VALUES = [
    None,
    True,
    1,
    1.0,
    -0.0,
    0.0,
    float("nan"),
    1j,
    "1",
    b"1",
    (1,),
    [1],
    [[1], 2],
    {1},
    {1: 2},
    {"1": 2},
    {2: 1},
    date(2020, 1, 1),
    date(2020, 1, 2),
    np.float32(1),
    np.zeros(2),
    np.zeros(2, np.float32),
    np.zeros((2, 1)),
    np.array([None, 1], object),
    pd.Series([1.0, 2.0]),
    pd.DataFrame({"a": [1.0, 3.0]}),
    pd.DataFrame({"a": [1.0, 2.0]}),
    pl.DataFrame({"a": [1.0, 2.0]}),
    pl.DataFrame({"a": [1.0, 3.0]}),
    np.random.default_rng(1),
    np.random.default_rng(2),
    close,
    high,
    sma(close, 2),
    sma(close, 3),
    sma(close, 2) > sma(close, 3),
    Thing(x=1),
    Thing(x=2),
    Thing(y=1),
    Thing(_x=1),
    Thing(x=Thing(x=1)),
    functools.partial(max, 1),
    functools.partial(max, 2),
    len,
    max,
    Path("a"),
    slice(1, 2),
    range(3),
    range(4),
]


def test_no_two_values_that_differ_are_alike():
    assert len({of(value) for value in VALUES}) == len(VALUES)


def test_the_same_is_the_same_however_it_is_ordered():
    assert of({"a": 1, "b": [2]}) == of({"b": [2], "a": 1})
    assert of({"x", "y", "z"}) == of({"z", "y", "x"})
    assert of(Thing(a=1, b=2)) == of(Thing(a=1, b=2))


def test_what_is_within_itself_is_taken_once():
    loop = []
    loop.append(loop)

    assert of(loop) == of(loop)


def typed(text, **space):
    """Return what was typed at a prompt, where there is no file."""
    there = {"__name__": "prompt", **space}
    exec(text, there)
    return there["f"]


PROMPT = {
    "text": ("def f(x): return x + 1", "def f(x): return x + 2"),
    "default": ("def f(x, n=1): return x + n", "def f(x, n=2): return x + n"),
    "named default": ("def f(x, *, n=1): return x + n", "def f(x, *, n=2): return x + n"),
    "global": ("N = 1\ndef f(x): return x + N", "N = 2\ndef f(x): return x + N"),
    "in a list": ("N = [1]\ndef f(x): return x + N[0]", "N = [2]\ndef f(x): return x + N[0]"),
    "lambda": ("f = lambda x: x + 1", "f = lambda x: x + 2"),
    "closed over": (
        "def g(n): return lambda x: x + n\nf = g(1)",
        "def g(n): return lambda x: x + n\nf = g(2)",
    ),
    "called": ("def g(): return 1\ndef f(): return g()", "def g(): return 2\ndef f(): return g()"),
    "attribute": ("class f:\n level = 1", "class f:\n level = 2"),
    "method": ("class f:\n def g(self): return 1", "class f:\n def g(self): return 2"),
    "base": ("class g: n = 1\nclass f(g): pass", "class g: n = 2\nclass f(g): pass"),
}
WRAPPED = {"numba": numba.njit, "cache": functools.cache, "partial": functools.partial}


@pytest.mark.parametrize("what", PROMPT)
def test_code_is_what_it_does_and_what_it_finds_outside_of_itself(what):
    one, other = PROMPT[what]

    assert of(typed(one)) != of(typed(other))
    assert of(typed(one)) == of(typed(one))


@pytest.mark.parametrize("how", WRAPPED)
def test_what_wraps_a_function_is_looked_into(how):
    one, other = (WRAPPED[how](typed(text)) for text in PROMPT["text"])

    assert of(one) != of(other)


def test_functions_that_call_each_other_come_to_an_end():
    pair = "def f(n): return g(n - 1) if n else ALL\ndef g(n): return f(n)\nALL = {'f': f, 'g': [g]}"

    assert of(typed(pair)) == of(typed(pair))


def test_a_class_attribute_that_was_set_later_counts(monkeypatch):
    before = of(Thing(x=1))

    monkeypatch.setattr(Thing, "level", 2)

    assert of(Thing(x=1)) != before


@pytest.mark.parametrize(
    "held",
    [str, Path, lambda name: [name], lambda name: {"of": {"a": name}}],
    ids=["text", "path", "list", "dict"],
)
def test_a_file_that_is_named_is_what_is_in_it(tmp_path, held):
    (tmp_path / "weights.txt").write_text("1")
    before = of(Thing(path=held("weights.txt")), places=[tmp_path])

    (tmp_path / "weights.txt").write_text("2")

    assert of(Thing(path=held("weights.txt")), places=[tmp_path]) != before


def test_a_folder_that_is_named_is_all_that_is_in_it(tmp_path):
    (tmp_path / "model" / "deep").mkdir(parents=True)
    (tmp_path / "model" / "deep" / "w").write_text("1")
    seen = [of("model", places=[tmp_path])]

    (tmp_path / "model" / "deep" / "w").write_text("2")
    seen.append(of("model", places=[tmp_path]))
    (tmp_path / "model" / "more").write_text("2")
    seen.append(of("model", places=[tmp_path]))

    assert len(set(seen)) == 3


class Guarded:
    """Holds a number beside what has no name."""

    def __init__(self, number):
        self.number, self.guard = number, threading.Lock()


WITHIN = {
    "attribute": lambda held: Thing(held=held),
    "global": lambda held: typed("def f(): return MODEL.number", MODEL=held),
    "global of what it calls": lambda held: typed("def g(): return M\ndef f(): return g()", M=held),
    "closed over": lambda held: lambda: held.number,
    "default": lambda held: lambda model=held: model.number,
    "class attribute": lambda held: type("Own", (), {"model": held, "__module__": __name__}),
    "method's global": lambda held: typed("class f:\n def over(self): return M.number", M=held),
}


@pytest.mark.parametrize("where", WITHIN)
def test_what_cannot_be_named_has_no_name_wherever_it_is_held(where):
    with pytest.raises(Unnameable, match="a lock"):
        of(WITHIN[where](Guarded(1)))


@functools.singledispatch
def chosen(value):
    return value


chosen(1)  # it notes down for which class


@dataclass(frozen=True)
class Setting:
    level: int = 1
    more: list[int] = field(default_factory=list)


class Mode(enum.Enum):
    FAST = 1


class Lazy:
    @functools.cached_property
    def once(self):
        return 1


COMMON = dict(
    enumerate(
        [
            logging.getLogger("own"),
            logging,
            threading,
            pd,
            re.compile("a+"),
            np.dtype("f8"),
            numba.float64,
            MappingProxyType({"a": 1}),
            int | None,
            list[int],
            TypeVar("T"),
            chosen,
            Setting,
            Setting(),
            Mode,
            Mode.FAST,
            Lazy,
            Lazy(),
            ZoneInfo("Asia/Tokyo"),
            pd.Timestamp("2020-01-01"),
            pd.DataFrame({"a": [1.0]}, index=pd.date_range("2020-01-01", periods=1)),
            np.random.default_rng(1),
            ...,
        ]
    )
)


@pytest.mark.parametrize("which", COMMON)
def test_what_code_commonly_finds_outside_of_itself_has_a_name(which):
    value, text = COMMON[which], "def f(): return X"

    assert of(typed(text, X=value)) == of(typed(text, X=value)) != of(typed(text, X=None))


def test_patterns_and_constant_tables_are_told_apart_by_what_they_hold():
    held = [re.compile("a"), re.compile("b"), MappingProxyType({"a": 1}), MappingProxyType({"a": 2})]

    assert len({of(typed("def f(): return X", X=each)) for each in held}) == 4


def test_what_the_code_does_not_look_at_has_no_say():
    text = "def f(): return 1"

    assert of(typed(text, LOCK=threading.Lock())) == of(typed(text))


def test_versions_are_those_of_what_is_imported_and_of_what_that_needs(monkeypatch):
    found = dict(versions_of(["pandas", "sklearn", "not_installed"]))

    assert found["pandas"] == pd.__version__
    assert found["numpy"] == np.__version__
    assert "scikit-learn" in found
    before = of(typed("def f(): return np", np=np))
    monkeypatch.setattr(fingerprint, "versions_of", lambda _: (("numpy", "0.0"),))
    assert of(typed("def f(): return np", np=np)) != before


def test_two_processes_agree():
    script = """
from flotilla.research.fingerprint import Fingerprint
made = Fingerprint()
for value in ({"b": {"x", "y", "z"}, "a": [1, None]}, Fingerprint):
    made.take(value)
print(made.hex)
"""
    runs = [
        subprocess.run(
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        )
        for seed in ("1", "2")
    ]

    assert runs[0].stdout == runs[1].stdout
