"""A call of the user's code that does not come back is told, with its line."""

import sys
import threading
from collections import deque
from importlib.util import module_from_spec, spec_from_file_location
from itertools import repeat

import pytest

from flotilla.cli import say, waiting
from flotilla.cli.waiting import told_where

LOOPS = """
def on_bar(told):
    while not told:
        pass


def step(told):
    return told.is_set()
"""


@pytest.fixture
def loops(tmp_path):
    (tmp_path / "loops.py").write_text(LOOPS)
    spec = spec_from_file_location("loops", tmp_path / "loops.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def told(monkeypatch):
    found = []
    monkeypatch.setattr(say, "note", found.append)
    monkeypatch.setattr(waiting, "LOOK_S", 0.01)
    monkeypatch.setattr(waiting, "PATIENCE_S", 0.02)
    return found


def in_a_thread(work, *given):
    """Run as a sweep's features are: else the test itself is whose call it is."""
    thread = threading.Thread(target=work, args=given)
    thread.start()
    thread.join()


def test_a_call_that_does_not_come_back_is_told_with_its_line(loops, told):
    with told_where():
        in_a_thread(loops.on_bar, told)  # until it is told

    mine = [sentence for sentence in told if "loops.py" in sentence]
    assert mine[0].startswith("waiting for on_bar (loops.py, line ")
    assert mine[0].partition("line ")[2][0] in "34"


def test_what_is_over_leaves_no_thread_behind(told):
    with told_where():
        pass

    assert "waiting" not in [thread.name for thread in threading.enumerate()]


def test_many_short_calls_are_none_that_lasts(loops, told):
    asked = threading.Event()

    with told_where():  # each call is a frame of its own, straight below Python's
        in_a_thread(deque, map(loops.step, repeat(asked, 500_000)), 0)

    assert not [sentence for sentence in told if sentence.startswith("waiting for step")]


def test_frames_of_ours_and_of_packages_are_nobodys_call():
    his = [frame.f_code.co_qualname for frame in waiting._outwards(sys._getframe()) if waiting._is_his(frame)]

    assert his == ["test_frames_of_ours_and_of_packages_are_nobodys_call"]
