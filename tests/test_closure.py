"""What a file is made of: its own imports, wherever they stand, and the files that it names."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from flotilla import closure
from flotilla.closure import closure_of, code_digest, imported_files, is_own, named_files

PATH = {"pkg____init__": "pkg/__init__", "pkg__deep____init__": "pkg/deep/__init__"}


def write(folder, **files):
    for name, text in files.items():
        path = folder / f"{PATH.get(name, name.replace('__', '/'))}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def names(found):
    return [path.stem for path in found.files]


@pytest.mark.parametrize(
    "line",
    [
        "import deep",
        "from deep import N",
        "import numpy, deep as d",
        "def f():\n    from deep import N\n    return N",
        "try:\n    import deep\nexcept ImportError:\n    deep = None",
        "class A:\n    import deep",
        "from middle import N",
        "from pkg import deep",
        "from pkg.deep import N",
        "import pkg.deep",
        "from pkg import *",
    ],
)
def test_a_file_imports_others_wherever_the_import_stands(tmp_path, line):
    write(tmp_path, a=line, deep="N = 1", middle="from deep import N", pkg__deep="N = 1")
    (tmp_path / "pkg" / "__init__.py").write_text("from .deep import N")
    before = closure_of(tmp_path / "a.py")

    write(tmp_path, deep="N = 2", pkg__deep="N = 2")

    assert "deep" in names(before)
    assert closure_of(tmp_path / "a.py").digest != before.digest


def test_two_files_may_import_each_other(tmp_path):
    write(tmp_path, a="import b", b="import a")

    assert names(closure_of(tmp_path / "a.py")) == ["a", "b"]


def test_packages_of_others_are_named_and_not_read(tmp_path):
    write(tmp_path, a="import os.path, sklearn.linear_model\nfrom numpy import array\nimport flotilla.stage")

    found = closure_of(tmp_path / "a.py")

    assert names(found) == ["a"]
    assert found.packages == ("numpy", "sklearn")


def test_comments_docstrings_and_layout_do_not_count(tmp_path):
    write(tmp_path, a='"""One."""\ndef f(x):\n    """Two."""\n    return x + 1  # three\n')
    write(tmp_path / "other", a='"""Another."""\n\n# and\n\ndef f( x ):\n    return (x +\n        1)\n')

    here, there = (closure_of(folder / "a.py") for folder in (tmp_path, tmp_path / "other"))

    assert here.digest == there.digest


@pytest.mark.parametrize(
    "text", ["def f(x): return x + 2", "def f(x): return x + 1.0", "def f(y): return y + 1"]
)
def test_what_it_does_counts(tmp_path, text):
    write(tmp_path, a="def f(x): return x + 1")
    before = closure_of(tmp_path / "a.py").digest

    write(tmp_path, a=text)

    assert closure_of(tmp_path / "a.py").digest != before


def test_a_file_that_is_no_python_counts_by_its_bytes(tmp_path):
    write(tmp_path, a="def f(:")
    before = closure_of(tmp_path / "a.py").digest

    write(tmp_path, a="def g(:")

    assert closure_of(tmp_path / "a.py").digest != before


def test_a_file_that_is_named_in_a_text_counts_by_what_is_in_it(tmp_path):
    write(tmp_path, a="NAMES = ('weights.txt', 'nothing.txt')\ndef f(path='level.txt'): return open(path)")
    (tmp_path / "weights.txt").write_text("1")
    (tmp_path / "level.txt").write_text("1")
    seen = [closure_of(tmp_path / "a.py").digest]

    for name in ("weights.txt", "level.txt"):
        (tmp_path / name).write_text("2")
        seen.append(closure_of(tmp_path / "a.py").digest)

    assert len(set(seen)) == 3


def test_the_files_named_are_looked_for_in_all_places(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "w").write_text(folder)

    found = named_files(["w", "close", ".", "", "a\0b", "x" * 5000], [tmp_path / "one", tmp_path / "two"])

    assert [path.parent.name for path in found] == ["one", "two"]


def test_a_folder_counts_by_all_that_is_in_it_but_what_is_hidden(tmp_path):
    inside = tmp_path / "model" / "deep"
    inside.mkdir(parents=True)
    (inside / "w.bin").write_bytes(b"1")
    (inside / ".log").write_bytes(b"1")

    found = named_files(["model"], [tmp_path], folders=True)

    assert [path.name for path in found] == ["w.bin"]
    assert named_files(["model"], [tmp_path]) == {}


def test_links_to_folders_count_by_where_they_lead_and_are_not_followed(tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "w").write_text("1")
    (model / "around").symlink_to(tmp_path)
    (model / "latest").symlink_to("one")
    for name in ("one", "two"):
        (model / name).mkdir()

    found = named_files(["model"], [tmp_path], folders=True)
    (model / "latest").unlink()
    (model / "latest").symlink_to("two")
    after = named_files(["model"], [tmp_path], folders=True)

    assert sorted(path.name for path in found) == ["around", "latest", "w"]
    assert [path.name for path in found if found[path] != after[path]] == ["latest"]


def test_a_folder_that_is_itself_named_by_a_link_counts_by_what_is_in_it(tmp_path):
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / "w").write_text("1")
    (tmp_path / "model").symlink_to("v1")

    assert [path.name for path in named_files(["model"], [tmp_path], folders=True)] == ["w"]


def test_a_set_in_the_code_is_the_same_in_every_process():
    script = (
        "from flotilla.closure import code_digest\n"
        'print(code_digest(compile(\'f = lambda x: x in {"a", "b", "c", "d", 1}\', \'\', \'exec\')))'
    )
    here = code_digest(compile('f = lambda x: x in {"a", "b", "c", "d", 1}', "", "exec"))

    there = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)

    assert there.stdout.strip() == here


def test_a_functions_docstring_does_not_count():
    space = [{}, {}, {}]
    for there, text in zip(space, ("'one'", "'two'", "'one'; x = x + 1"), strict=True):
        exec(f"def f(x):\n    {text}\n    return x, 'three'", there)

    one, two, other = (code_digest(there["f"].__code__) for there in space)

    assert one == two
    assert one != other


@pytest.mark.parametrize(
    ("old", "new", "same"), [("One", "Other", True), ("Two", "Other", True), ("x", "y", False)]
)
def test_a_modules_and_a_classs_docstring_do_not_count(old, new, same):
    text = "'One'\nclass A:\n    'Two'\n    n = 'x'\n"

    one, other = (code_digest(compile(t, "", "exec")) for t in (text, text.replace(old, new)))

    assert (one == other) == same


def test_modules_of_others_are_not_the_users():
    assert not any(map(is_own, (json, np, closure, sys, None)))
    assert is_own(sys.modules[__name__])


def test_an_import_finds_what_it_runs(tmp_path):
    write(tmp_path, pkg____init__="", pkg__deep____init__="", pkg__deep__leaf="")

    found = imported_files("pkg.deep.leaf", [tmp_path])

    assert [path.relative_to(tmp_path) for path in found] == [
        Path("pkg/__init__.py"),
        Path("pkg/deep/__init__.py"),
        Path("pkg/deep/leaf.py"),
    ]
    assert imported_files("nowhere", [tmp_path]) == []
    assert imported_files("numpy", [tmp_path]) == []
