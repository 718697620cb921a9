import os
import signal
import subprocess
import sys

import pytest

from flotilla.clock import sleep
from flotilla.fleet.system.logs import open_log, rotation


@pytest.fixture
def written(folder):
    def write(name, text):
        descriptor = open_log(folder.log(name))
        os.write(descriptor, text.encode())
        os.close(descriptor)

    write("feed", "".join(f"tick {k}\n" for k in range(50)))
    write("report", "all is well\n")
    (folder.path / "supervisor.log").write_text("supervising\n")
    return write


def test_the_last_lines_of_one(call, written):
    found = call("fleet", "logs", "feed", "-n", "3")

    assert (found.code, found.out) == (0, "tick 47\ntick 48\ntick 49\n")


def test_of_several_each_line_says_whose_it_is(call, written):
    found = call("fleet", "logs", "-n", "2")

    assert found.out == ("feed      | tick 48\nfeed      | tick 49\nreport    | all is well\n")


def test_rotated_lines_are_there_too(call, written, folder):
    for _ in rotation(folder.log("feed"), 0.0, 5):
        pass
    written("feed", "tick 50\nhalf")

    assert call("fleet", "logs", "feed", "-n", "2").out == "tick 49\ntick 50\nhalf\n"


def test_the_supervisors_own(call, written):
    assert call("fleet", "logs", "supervisor").out == "supervising\n"


def test_a_line_of_json_for_each_of_theirs(call, written):
    assert call("fleet", "logs", "report", "--json").out == '{"platform":"report","line":"all is well"}\n'


def test_one_that_never_ran_has_none(call, written):
    found = call("fleet", "logs", "portfolio")

    assert (found.code, found.out) == (0, "")


def test_an_unknown_name_answers_with_the_nearest(call, written):
    found = call("fleet", "logs", "reprt")

    assert (found.code, found.out) == (2, "")
    assert "did you mean report?" in found.err


def test_following_goes_on_with_what_comes(written, folder, file):
    program = [sys.executable, "-m", "flotilla.cli.main", "fleet", "logs", "feed", "-n", "1", "-f"]
    following = subprocess.Popen(program, stdout=subprocess.PIPE, cwd=file.parent, text=True)
    assert following.stdout is not None
    first = following.stdout.readline()
    written("feed", "tick 50\n")
    second = following.stdout.readline()
    for _ in rotation(folder.log("feed"), 0.0, 5):
        pass
    written("feed", "tick 51\n")
    third = following.stdout.readline()
    sleep(0.1)
    following.send_signal(signal.SIGINT)
    following.communicate(timeout=10)

    assert (first, second, third) == ("tick 49\n", "tick 50\n", "tick 51\n")
