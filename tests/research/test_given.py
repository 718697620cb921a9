"""A strategy that is given as it is: found again, and told apart from all others."""

import subprocess
import sys

import numpy as np
import pytest

from flotilla.errors import ConfigError
from flotilla.plugins import find
from flotilla.research.given import name_of
from flotilla.stage import Window, close, sma


def made(n, extra=None):
    def strategy():
        return close > sma(close, n) if extra is None else close > extra

    return strategy


def windowed(weight):
    class Same(Window):
        def over(self, close):
            return np.full(close.shape, weight)

    return Same


def test_what_an_installed_plugin_is_keeps_its_name():
    target = find("strategy", "ma_cross")

    assert name_of(target) == "flotilla.builtin.strategies.ma_cross:ma_cross"


def test_what_is_in_a_file_is_named_as_another_process_finds_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    (tmp_path / "gapping.py").write_text("from flotilla.stage import close\ndef gap(): return close > 1\n")
    import gapping

    assert name_of(gapping.gap) == "gapping:gap"
    sys.modules.pop("gapping", None)


@pytest.mark.parametrize(
    "target", [lambda: close > 3, made(3), windowed(0.5)], ids=["lambda", "made", "class"]
)
def test_anything_else_is_found_in_this_process(target):
    name = name_of(target)

    assert find("strategy", name) is target
    assert name_of(target) == name


def test_no_target_takes_the_name_of_another():
    same = [made(3), made(3), made(3, object()), made(3, object())]
    others = [made(4), made(3, 7.0), lambda: close > 3, lambda: close > 4, windowed(0.5), windowed(0.25)]
    arrays = [made(3, np.zeros(2000)), made(3, np.append(np.zeros(1999), 1.0))]

    every = {name_of(target): target for target in [*same, *others, *arrays]}

    assert len(every) == len(same) + len(others) + len(arrays)
    assert all(find("strategy", name) is target for name, target in every.items())


def test_another_process_is_told_that_it_has_it_not():
    name = name_of(made(3))
    script = f"from flotilla.plugins import find; find('strategy', {name!r})"

    told = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)

    assert "was given from Python to another process; write it into a file, as my_file:thing" in told.stderr
    with pytest.raises(ConfigError, match="was given from Python to another process"):
        find("strategy", "@nobody-123")
