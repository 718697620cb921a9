import os
import signal
import subprocess
import sys
from random import Random

import pytest

from flotilla.clock import monotonic_ns, sleep
from flotilla.fleet.system import logs
from flotilla.fleet.system.logs import (
    Follower,
    LogFile,
    NotSupported,
    due,
    mark,
    open_log,
    punch,
    rotation,
    segments_of,
)

CHATTER = """
import os, signal, sys
going = True
def stop(*_):
    global going
    going = False
signal.signal(signal.SIGTERM, stop)
k = 0
while going:
    os.write(1, b"".join(b"line %d %s\\n" % (k + i, b"x" * ((k + i) % 90)) for i in range(20)))
    k += 20
    if k % 400 == 0:
        import time; time.sleep(0.005)
os.write(1, b"the end after %d\\n" % k)
"""
ROTATOR = """
import sys
from pathlib import Path
from flotilla.fleet.system.logs import rotation
print("up", flush=True)
while True:
    for _ in rotation(Path(sys.argv[1]), 0.3, 10_000):
        pass
"""


def rotate(path, rotate_mb=0.0, keep=10, steps=None):
    for n, _ in enumerate(rotation(path, rotate_mb, keep)):
        if n == steps:
            return


def write(path, text):
    descriptor = open_log(path)
    os.write(descriptor, text.encode())
    os.close(descriptor)


def all_of(path):
    log, at, found = LogFile(path), 0, b""
    while True:
        at, part = log.read(at)
        if not part:
            return found.decode()
        found += part
        at += len(part)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "logs" / "ticker.log"


def test_what_is_written_by_several_is_all_there(path):
    write(path, "one\n")
    write(path, "two\n")

    assert all_of(path) == "one\ntwo\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_mark_begins_a_line_of_its_own(path):
    write(path, "cut sho")
    mark(path, "ended with -9")
    mark(path, "started as 12")

    assert all_of(path) == "cut sho\n-- ended with -9\n-- started as 12\n"


def test_a_rotation_moves_whole_lines_and_frees_the_disk(path):
    lines = "".join(f"line {k:04} {'x' * 100}\n" for k in range(2000))
    write(path, lines + "half")
    assert due(path, 0.1)

    rotate(path)

    (segment,) = segments_of(path)
    assert (segment.base, segment.cut) == (0, len(lines))
    assert segment.path.read_text() == lines
    assert path.stat().st_size == len(lines) + 4
    assert not due(path, 0.1)
    assert all_of(path) == lines + "half"


def test_only_the_last_segments_are_kept(path):
    for k in range(6):
        write(path, f"line {k}\n")
        rotate(path, keep=2)

    assert all_of(path) == "line 4\nline 5\n"
    assert LogFile(path).begin() == len("line 0\n") * 4


def test_far_more_than_a_segment_is_cut_into_several(path):
    lines = "".join(f"line {k:04}\n" for k in range(10_000))
    write(path, lines)

    rotate(path, rotate_mb=0.02, keep=100)

    assert all(segment.cut - segment.base <= 40_000 for segment in segments_of(path))
    assert len(segments_of(path)) >= 3
    assert all_of(path).endswith("line 9999\n")


def test_a_line_longer_than_a_segment_is_still_one_line(path):
    write(path, "y" * 100_000 + "\nshort\n")

    rotate(path, rotate_mb=0.01, keep=100)
    follower = Follower({"ticker": path})

    assert len(segments_of(path)) > 3
    assert [len(line) for _, line in follower.lines()] == [100_000, 5]


def test_nothing_is_rotated_where_nothing_is(path):
    write(path, "no end of line")

    rotate(path)

    assert segments_of(path) == []
    assert not due(path.with_name("other.log"), 1.0)


@pytest.mark.parametrize("steps", range(6))
def test_cut_short_after_any_step_it_goes_on_and_nothing_is_lost_or_doubled(path, steps):
    lines = "".join(f"line {k:05}\n" for k in range(300_000))  # 3.3 MB: several steps of copying
    write(path, lines)

    rotate(path, steps=steps)
    after = all_of(path)
    write(path, "more\n")
    rotate(path)

    assert after == lines
    assert all_of(path) == lines + "more\n"


@pytest.mark.parametrize("count", [0, 1, 3, 50, 5000])
def test_the_last_lines_are_found_over_segments(path, count):
    lines = [f"line {k} {'z' * (k % 50)}" for k in range(3000)]
    for k in range(0, 3000, 500):
        write(path, "".join(f"{line}\n" for line in lines[k : k + 500]))
        if k < 2500:
            rotate(path)
    write(path, "unfinished")

    at, found, rest = LogFile(path).last(count)

    assert found == lines[max(3000 - count, 0) :]
    assert rest == "unfinished"
    assert at == LogFile(path).end() - len("unfinished")


def test_a_follower_reads_on_over_rotations(path):
    write(path, "one\ntw")
    follower = Follower({"ticker": path, "silent": path.with_name("silent.log")})

    first = follower.lines()
    write(path, "o\nthree\n")
    rotate(path)
    write(path, "four")
    second = follower.lines()

    assert first == [("ticker", "one")]
    assert second == [("ticker", "two"), ("ticker", "three")]
    assert follower.rest() == [("ticker", "four")]
    assert follower.lines() == []


def test_a_follower_that_fell_behind_what_is_kept_goes_on_with_what_there_is(path):
    write(path, "one\n")
    follower = Follower({"ticker": path})
    follower.lines()
    for k in range(4):
        write(path, f"line {k}\n")
        rotate(path, keep=2)

    assert [line for _, line in follower.lines()] == ["line 2", "line 3"]


def test_a_follower_starts_anew_with_a_file_that_was_replaced(path):
    write(path, "old old old\n")
    follower = Follower({"ticker": path})
    follower.lines()
    path.unlink()
    write(path, "new\n")

    assert [line for _, line in follower.lines()] == ["new"]


def test_a_log_whose_segments_were_taken_away_begins_after_its_hole(path):
    lines = "".join(f"line {k:05}\n" for k in range(5000))
    write(path, lines)
    rotate(path)
    write(path, "left\n")
    for segment in segments_of(path):
        segment.path.unlink()

    assert all_of(path) == "left\n"
    rotate(path)
    assert all_of(path) == "left\n"


def test_a_hole_that_cannot_be_punched_is_said():
    reading, writing = os.pipe()

    with pytest.raises((NotSupported, OSError)):
        punch(writing, 10)

    os.close(reading)
    os.close(writing)


def test_not_a_line_is_lost_or_doubled_while_who_rotates_is_killed_twenty_times(path):
    random, deadline_ns = Random(3), monotonic_ns() + 120_000_000_000
    out = open_log(path)
    child = subprocess.Popen([sys.executable, "-c", CHATTER], stdout=out)
    follower, followed, kills = Follower({"c": path}), [], 0
    while (kills < 20 or len(segments_of(path)) < 20) and monotonic_ns() < deadline_ns:
        with subprocess.Popen([sys.executable, "-c", ROTATOR, path], stdout=subprocess.PIPE) as rotator:
            rotator.stdout.readline()
            sleep(0.05 + random.random() * 0.1)
            rotator.send_signal(signal.SIGKILL)
        kills += 1
        followed += follower.lines()
    child.send_signal(signal.SIGTERM)
    child.wait()
    os.close(out)
    rotate(path, rotate_mb=1.0, keep=10_000)

    lines = all_of(path).splitlines()
    while more := follower.lines():
        followed += more
    whole = int(lines[-1].rpartition(" ")[2])
    assert len(segments_of(path)) >= 20
    assert kills >= 20
    assert [line.split()[1] for line in lines[:-1]] == [str(k) for k in range(whole)]
    assert [line for _, line in followed] == lines


def test_a_log_whose_folders_are_gone_gets_private_ones(tmp_path):
    os.close(open_log(tmp_path / "run" / "logs" / "a.log"))

    folders = (tmp_path / "run", tmp_path / "run" / "logs")
    assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700, 0o700]


def test_where_the_latest_run_begins_is_found_from_our_own_line(tmp_path):
    path = tmp_path / "feed.log"
    assert logs.start_of_run(path) == 0

    for generation in (1, 2):
        logs.mark(path, f"{logs.STARTING}{generation}")
        with path.open("a") as log:
            log.write("up\n" * 50_000 + "-- stop\n")
    whole = path.read_bytes()

    assert whole[: logs.start_of_run(path)].endswith(b"-- starting: generation 2\n")
    for at in range(40):  # wherever the pieces are cut that are read
        path.write_bytes(whole + b"x" * (65_536 - len(whole) % 65_536 + at))
        assert path.read_bytes()[: logs.start_of_run(path)].endswith(b"-- starting: generation 2\n")


def test_of_an_empty_log_it_is_said_that_it_is_empty(tmp_path):
    path = tmp_path / "supervisor.log"
    assert logs.end_of(path, 2) == f"it said nothing: {path} is empty"

    path.write_text("one\ntwo\nthree\nfour")
    assert logs.end_of(path, 2) == f"the last lines of {path}:\n    two\n    three\n    four"
