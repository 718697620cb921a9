"""What waits for a file that cannot be written: all of it, in order, once, and not without end."""

import pytest

from flotilla.errors import StreamError
from flotilla.stream import backlog
from flotilla.stream.backlog import Backlog


class File:
    """A file that can fail, and may take some of what it is given all the same."""

    def __init__(self):
        self.entries, self.fails, self.takes, self.said = [], False, 0, []
        self.way = Backlog(self.write, self.mend, self.said.append, self.said.append)

    def write(self, entries):
        if self.fails:
            self.entries += entries[: self.takes]
            raise StreamError("no space left")
        self.entries += entries

    def mend(self):
        return self.takes

    def caught_up(self):
        self.fails = False
        return self.way.catch_up(at_once=True)


@pytest.fixture
def file():
    return File()


def test_what_waited_comes_first_and_once(file):
    file.way.put("ab")
    file.fails = True
    file.way.put("cd")
    file.way.put("e")

    assert file.entries == [*"ab"]
    assert file.caught_up()
    file.way.put("f")

    assert file.entries == [*"abcdef"]
    assert file.said == ["no space left"]


def test_what_is_there_all_the_same_is_not_written_again(file):
    file.fails, file.takes = True, 2
    file.way.put("abc")
    file.way.put("d")

    file.caught_up()

    assert file.entries == [*"abcd"]


def test_a_file_that_failed_is_not_tried_at_every_entry(file):
    file.fails = True
    file.way.put("a")
    file.fails = False
    file.way.put("b")

    assert file.entries == []
    assert not file.way.catch_up()


def test_it_is_tried_again_after_a_while(file, monkeypatch):
    file.fails = True
    file.way.put("a")
    file.fails = False
    monkeypatch.setattr(backlog, "_AGAIN_NS", 0)

    file.way.put("b")

    assert file.entries == [*"ab"]


def test_what_is_too_much_to_keep_is_counted_and_told(file, monkeypatch):
    monkeypatch.setattr(backlog, "MOST", 3)
    file.fails = True
    file.way.put("abcd")
    file.way.put("ef")

    file.caught_up()

    assert file.entries == [*"abc"]
    assert file.said == ["no space left", 3]


def test_where_nothing_waits_there_is_nothing_to_write(file):
    assert not file.way.catch_up(at_once=True)
