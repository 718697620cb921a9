"""One writer, many readers: each reader sees every row once, in order, whatever is lost on the way."""

import os
import signal
from pathlib import Path

import pytest
import zmq

from flotilla.clock import sleep
from flotilla.errors import SequenceGap, StreamError
from flotilla.stream.codec import LogRow
from flotilla.stream.log import LogReader, LogWriter
from flotilla.stream.socket import ZmqPublisher, ZmqSubscriber


class Feed:
    """A log and the publisher of what it holds."""

    def __init__(self, folder: Path, hwm: int = 1_000) -> None:
        self.endpoint = f"ipc://{folder}/bars"
        self.path = folder / "bars.db"
        self.log = LogWriter(self.path, ["bars"], durability="normal")
        self.publisher = ZmqPublisher(self.endpoint, "bars", heartbeat_s=0.01, hwm=hwm)

    def write(self, n: int) -> list[LogRow]:
        first = self.log.last_seq("bars")
        return self.log.append("bars", [(i, b"%d" % i) for i in range(first + 1, first + 1 + n)])

    def send(self, n: int) -> None:
        self.publisher.publish(self.write(n))

    def close(self) -> None:
        self.publisher.close()
        self.log.close()


@pytest.fixture
def feed(folder):
    made = Feed(folder)
    yield made
    made.close()


@pytest.fixture
def subscribe(own):
    """Return a function that opens a subscriber of a feed."""

    def opened(feed: Feed, after_seq: int = 0, hwm: int = 1_000, silence_s: float = 0.05) -> ZmqSubscriber:
        log = own(LogReader(feed.path, "bars"))
        return own(ZmqSubscriber(feed.endpoint, "bars", log, after_seq, silence_s=silence_s, hwm=hwm))

    return opened


def read(reader: ZmqSubscriber, up_to: int, feed: Feed | None = None) -> list[int]:
    """Return the seqs that `reader` yields until it has had row `up_to`."""
    seqs: list[int] = []
    for _ in range(200):
        if reader.cursor >= up_to:
            break
        seqs += [row.seq for row in reader.receive(0.05)]
        if feed:
            feed.publisher.heartbeat()
    return seqs


def test_a_slow_joiner_loses_nothing(feed, subscribe):
    feed.send(500)
    reader = subscribe(feed)  # not connected yet, and rows go on
    feed.send(500)

    assert read(reader, 1_000, feed) == list(range(1, 1_001))


def test_rows_come_over_the_socket_once_it_follows(feed, subscribe):
    reader = subscribe(feed, silence_s=5.0)  # nothing is read from the log only since it is slow to come
    while feed.publisher.next_seq < 3 or reader.replayed == reader.cursor:
        feed.send(1)
        reader.receive(0.01)
    read(reader, feed.publisher.next_seq - 1)
    came = reader.cursor
    replayed = reader.replayed

    feed.send(100)

    assert read(reader, came + 100) == list(range(came + 1, came + 101))
    assert reader.replayed == replayed
    assert reader.refused == 0


def test_a_hole_is_filled_from_the_log_before_anything_after_it(feed, subscribe):
    reader = subscribe(feed)
    feed.send(3)
    assert read(reader, 3) == [1, 2, 3]
    feed.write(4)  # 4 to 7 are written, and lost on the way
    feed.publisher.next_seq = 8

    feed.send(2)

    assert read(reader, 9) == [4, 5, 6, 7, 8, 9]


def test_a_lost_tail_is_found_by_a_heartbeat_or_in_silence(feed, subscribe):
    reader = subscribe(feed)
    feed.send(1)
    assert read(reader, 1) == [1]
    feed.write(2)
    feed.publisher.next_seq = 4
    sleep(0.02)
    feed.publisher.heartbeat()
    assert read(reader, 3) == [2, 3]

    feed.write(2)  # and now nobody says anything

    assert read(reader, 5) == [4, 5]


def test_rows_that_come_twice_are_dropped(feed, subscribe):
    reader = subscribe(feed)
    rows = feed.write(5)
    feed.publisher.publish(rows)
    assert read(reader, 5) == [1, 2, 3, 4, 5]
    feed.publisher.next_seq = 4
    feed.publisher.publish(rows[3:])
    feed.send(1)

    assert read(reader, 6) == [6]


def test_a_subscriber_that_stalls_at_the_high_water_mark_loses_nothing(folder, own, subscribe):
    feed = own(Feed(folder, hwm=5))
    reader = subscribe(feed, hwm=5)
    feed.send(1)
    assert read(reader, 1) == [1]

    for _ in range(300):
        feed.send(10)

    assert read(reader, 3_001) == list(range(2, 3_002))
    assert reader.replayed > 0


def test_rows_behind_are_read_in_slices(feed, subscribe):
    feed.send(1_000)
    reader = subscribe(feed)

    assert [len(reader.drain(300)) for _ in range(4)] == [300, 300, 300, 100]
    assert not reader.behind


def test_a_subscriber_goes_on_from_its_cursor(feed, subscribe):
    feed.send(10)

    assert read(subscribe(feed, after_seq=7), 10) == [8, 9, 10]


def test_a_log_that_ends_before_the_cursor_is_refused(feed, subscribe):
    feed.send(10)

    with pytest.raises(StreamError, match="ends at 10; row 12 was read before"):
        subscribe(feed, after_seq=12)


def test_nonsense_is_refused_and_counted(folder, own):
    path = folder / "bars.db"
    own(LogWriter(path, ["bars"])).append("bars", [(1, b"good")])
    stranger = own(zmq.Context.instance().socket(zmq.PUB))
    stranger.bind(f"ipc://{folder}/bars")
    log = own(LogReader(path, "bars"))
    reader = own(ZmqSubscriber(f"ipc://{folder}/bars", "bars", log, silence_s=0.01))

    for _ in range(100):
        stranger.send_multipart([b"bars\0", b"nonsense"])
        stranger.send(b"bars\0" + b"\xff" * 50)
        reader.receive(0.01)
        if reader.refused >= 2:
            break

    assert reader.refused >= 2
    assert reader.cursor == 1


def test_a_publisher_does_not_leave_out_a_row(feed):
    feed.write(1)

    with pytest.raises(SequenceGap, match="expected row 1, got 2"):
        feed.send(1)


PUBLISHES = """
import sys
from pathlib import Path
from flotilla.clock import sleep
from flotilla.stream.log import LogWriter
from flotilla.stream.socket import ZmqPublisher
folder, last = Path(sys.argv[1]), int(sys.argv[2])
log = LogWriter(folder / "bars.db", ["bars"], durability="normal")
publisher = ZmqPublisher(f"ipc://{folder}/bars", "bars", log.last_seq("bars") + 1)
print("ready", flush=True)
for n in range(log.last_seq("bars") + 1, last + 1):
    publisher.publish(log.append("bars", [(n, b"%d" % n)]))
    sleep(0.0005)
while True:
    publisher.heartbeat()
    sleep(0.02)
"""


def test_a_publisher_killed_and_started_again_is_seen_whole_and_once(folder, own, start):
    first = start(PUBLISHES, folder, 400)
    log = own(LogReader(folder / "bars.db", "bars"))
    reader = own(ZmqSubscriber(f"ipc://{folder}/bars", "bars", log))
    rows: list[LogRow] = []
    while len(rows) < 100:
        rows += reader.receive(0.1)

    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    start(PUBLISHES, folder, 400)
    while len(rows) < 400:
        rows += reader.receive(0.1)

    assert [(row.seq, row.payload) for row in rows] == [(n, b"%d" % n) for n in range(1, 401)]
