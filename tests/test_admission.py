"""A name in a configuration reaches plugins, and no other code: nothing runs that nobody wrote for us."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import flotilla
from flotilla.errors import ConfigError
from flotilla.plugins import find

OWN = """
import os, subprocess, pathlib, shutil
from functools import partial
from collections import OrderedDict
from os import getcwd
import numpy as np
from numpy import save
from flotilla.research import run
from flotilla.stage import Window, close, sma
from flotilla.builtin.strategies.momentum import momentum
from neighbour import gap

def mine(n=5):
    return close > sma(close, n)

class Held:
    tools = os
    inner = mine
    inherited = dict.fromkeys

class Mean(Window):
    lookback = 3
    def over(self, close):
        return close

shell = os.system
shelled = partial(os.system, "true")
fast = partial(mine, 3)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    (work / "own.py").write_text(OWN)
    (work / "neighbour.py").write_text("def gap(): pass\n")
    (tmp_path / "cleanup.py").write_text("open('ran', 'w')\ndef main(): open('ran', 'w')\n")
    (tmp_path / "elsewhere.py").write_text("from flotilla.stage import close\ndef gap(): return close > 1\n")
    yield work
    for name in ("neighbour", "made_pack", "made_pack.inner", "made_tool", "made_tool.part"):
        sys.modules.pop(name, None)
    assert not (work / "ran").exists()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("strategy", "own:mine"),
        ("strategy", "own.py:mine"),
        ("strategy", "own:Held.inner"),
        ("strategy", "own:Mean"),
        ("strategy", "own:fast"),
        ("strategy", "own:gap"),  # of a neighbour
        ("strategy", "own:momentum"),  # a plugin that is installed, under another name
        ("strategy", "../elsewhere.py:gap"),  # not below the folder, and written for us
        ("strategy", "flotilla.builtin.strategies.momentum:momentum"),
        ("source", "flotilla.builtin.sources.csv:Csv"),
    ],
)
def test_what_is_a_plugin_is_found(folder, kind, name):
    assert callable(find(kind, name, folder))


STDLIB = sysconfig.get_path("stdlib")


@pytest.mark.parametrize("kind", ["strategy", "source", "gateway"])
@pytest.mark.parametrize(
    "name",
    [
        "os:system",
        "posix:system",
        "subprocess:run",
        "subprocess:Popen",
        "builtins:exec",
        "builtins:open",
        "shutil:rmtree",
        "importlib:import_module",
        "runpy:run_path",
        "pathlib:Path",
        "pathlib:Path.unlink",
        "fractions:Fraction",
        "os.path:join",
        "antigravity:x",
        "this:x",
        "idlelib.idle:x",
        f"{STDLIB}/subprocess.py:run",
        f"{STDLIB}/antigravity.py:geohash",
        "flotilla.cli.main:main",
        "flotilla.research:run",
        "flotilla.stream.table:Store",
        "flotilla.builtin.sources.csv:find",
        f"{Path(flotilla.__file__).parent}/cli/main.py:main",
        "numpy:save",
        "numpy:load",
        "pandas:read_pickle",
        "polars:read_csv",
        "yaml:unsafe_load",
        "yaml:os.system",
        "pytest:main",
        "numpy.nope:x",
        "own:getcwd",
        "own:os.system",
        "own:subprocess.run",
        "own:pathlib.Path",
        "own:shell",
        "own:shelled",
        "own:save",
        "own:np.save",
        "own:run",
        "own:OrderedDict",
        "own:Held.tools.system",
        "own:Held.inherited",
        "own:mine.__globals__",
        "own:mine.__call__",
        "own:__builtins__.exec",
        "own:Held",  # a class that is no strategy, no source, no gateway
        "../cleanup.py:main",
        ":",
        "a:",
        ":x",
        "..:x",
        "own: mine",
        "my own:f",
        "own:mi ne",
        "own:mine()",
        "a\0b:x",
        "own:mi\nne",
        "x" * 5000 + ":y",
        "x/" * 500 + "y.py:z",
        "a:b:c",
    ],
)
def test_what_is_no_plugin_is_refused_before_it_runs(folder, kind, name):
    with pytest.raises(ConfigError) as caught:
        find(kind, name, folder)

    assert len(str(caught.value)) < 2000
    assert "antigravity" not in sys.modules
    assert "this" not in sys.modules
    assert "idlelib.idle" not in sys.modules


def test_an_installed_package_that_was_written_for_us_is_found_and_another_never_runs(folder, tmp_path):
    site = tmp_path / "lib" / "site-packages"
    for name, text in {"made_pack": "", "made_tool": "open('ran', 'w')\n"}.items():
        (site / name).mkdir(parents=True)
        (site / name / "__init__.py").write_text(text)
    strategy = "from flotilla.stage import close\ndef gap(): return close > 1\n"
    (site / "made_pack" / "inner.py").write_text(strategy)
    (site / "made_tool" / "part.py").write_text("def wipe(): pass\n")
    sys.path.insert(0, str(site))

    assert find("strategy", "made_pack.inner:gap", folder).__name__ == "gap"
    for name in ("made_tool:x", "made_tool.part:wipe", "made_tool.nope:x"):
        with pytest.raises(ConfigError, match=r"does not import flotilla|there is no module"):
            find("strategy", name, folder)
    assert "made_tool" not in sys.modules


def test_a_link_beside_the_configuration_makes_nothing_the_users_own(folder):
    (folder / "sub.py").symlink_to(f"{STDLIB}/subprocess.py")

    with pytest.raises(ConfigError, match="is Python's own"):
        find("strategy", "sub:run", folder)


def test_a_file_called_as_a_standard_module_is_the_users_own(folder):
    (folder / "signal.py").write_text("from flotilla.stage import close\ndef gap(): return close > 1\n")

    assert find("strategy", "signal:gap", folder).__name__ == "gap"


def test_a_configuration_alone_runs_no_command(folder):
    text = "name: x\nstrategies: {t: {kind: 'os:system', params: {command: 'touch ran'}}}\n"
    (folder / "x.yaml").write_text(text)

    command = [sys.executable, "-m", "flotilla.cli.main", "run", "x.yaml"]
    told = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)

    assert told.returncode == 2
    assert "$.strategies.t: os is Python's own, and holds no plugin" in told.stderr
    assert "Traceback" not in told.stderr
