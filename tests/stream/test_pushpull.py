"""One writer, one reader, acknowledged: nothing is lost or taken twice, whoever dies."""

import os
import signal
from pathlib import Path

import pytest
import zmq

from flotilla.clock import sleep
from flotilla.errors import SequenceGap
from flotilla.stream.codec import LogRow
from flotilla.stream.log import LogReader, LogWriter
from flotilla.stream.socket import ZmqPuller, ZmqPusher, shard_of


class Source:
    """A log and the pusher of what it holds."""

    def __init__(self, folder: Path, name: str = "cross", window: int = 4_096) -> None:
        path = folder / f"{name}.db"
        self.log = LogWriter(path, ["signals"], durability="normal")
        self.outbox = LogReader(path, "signals")
        endpoint = f"ipc://{folder}/signals"
        self.pusher = ZmqPusher(endpoint, name, self.outbox, window=window, heartbeat_s=0.01)

    def write(self, n: int) -> list[LogRow]:
        first = self.log.last_seq("signals")
        return self.log.append("signals", [(i, b"%d" % i) for i in range(first + 1, first + 1 + n)])

    def push(self, n: int) -> None:
        self.pusher.push(self.write(n))

    def close(self) -> None:
        self.pusher.close()
        self.outbox.close()
        self.log.close()


def read(
    puller: ZmqPuller, n: int, *sources: Source, acknowledge: bool = True, tries: int = 400
) -> list[tuple[str, int]]:
    """Return what `puller` yields until it has yielded n rows."""
    found: list[tuple[str, int]] = []
    for _ in range(tries):
        if len(found) >= n:
            break
        for source in sources:
            source.pusher.service()
        for pulled in puller.receive(0.005):
            found.append((pulled.source, pulled.row.seq))
            if acknowledge:
                puller.acknowledge(*found[-1])
    return found


def test_rows_pushed_before_there_is_a_puller_arrive(folder, own):
    source = own(Source(folder))
    source.push(3)
    puller = own(ZmqPuller(f"ipc://{folder}/signals", {"cross": 0}))
    source.push(2)

    assert read(puller, 5, source) == [("cross", n) for n in range(1, 6)]
    assert source.pusher.flush(1.0)


def test_each_source_is_in_order_by_itself(folder, own):
    one, two = own(Source(folder, "one")), own(Source(folder, "two"))
    puller = own(ZmqPuller(f"ipc://{folder}/signals", {"one": 0, "two": 0}))

    for _ in range(10):
        one.push(1)
        two.push(2)
    found = read(puller, 30, one, two)

    assert [seq for source, seq in found if source == "one"] == list(range(1, 11))
    assert [seq for source, seq in found if source == "two"] == list(range(1, 21))


def test_a_window_bounds_what_is_under_way(folder, own):
    source = own(Source(folder, window=10))
    puller = own(ZmqPuller(f"ipc://{folder}/signals", {"cross": 0}))
    source.push(25)

    first = read(puller, 10, source, acknowledge=False)
    assert read(puller, 1, source, acknowledge=False, tries=20) == []
    puller.acknowledge("cross", 10)

    assert first == [("cross", n) for n in range(1, 11)]
    assert read(puller, 15, source) == [("cross", n) for n in range(11, 26)]


def test_rows_that_come_twice_are_taken_once(folder, own):
    source = own(Source(folder))
    puller = own(ZmqPuller(f"ipc://{folder}/signals", {"cross": 0}))
    source.push(5)
    read(puller, 5, source)
    source.pusher._sent = 2  # as if the acknowledgement had been lost, and it asked anew

    source.push(1)

    assert read(puller, 1, source) == [("cross", 6)]
    assert puller.duplicates == 3


def test_rows_that_are_pushed_before_they_are_written_are_waited_for_in_silence(folder, own):
    source = own(Source(folder))
    puller = own(ZmqPuller(f"ipc://{folder}/signals", {"cross": 0}))
    source.push(5)
    read(puller, 5, source)
    source.pusher._sent = 2  # as if it had to send some again
    entries = [(6, b"6")]

    source.pusher.push(source.log.numbered("signals", entries))
    messages = 0
    while puller.socket.poll(50):
        puller.socket.recv_multipart()
        messages += 1
    source.log.append("signals", entries)

    assert messages <= 2  # what is written, and a heartbeat: there had been a thousand of these
    source.pusher._sent = 2
    assert read(puller, 1, source) == [("cross", 6)]


def test_a_puller_that_starts_anew_gets_what_it_had_not_made_safe(folder, own):
    source = own(Source(folder))
    puller = own(ZmqPuller(f"ipc://{folder}/signals", {"cross": 0}))
    source.push(8)
    read(puller, 8, source, acknowledge=False)
    puller.acknowledge("cross", 5)
    puller.close()

    again = own(ZmqPuller(f"ipc://{folder}/signals", {"cross": 5}))
    source.push(1)

    assert read(again, 4, source) == [("cross", n) for n in (6, 7, 8, 9)]
    assert source.pusher.flush(1.0)


def test_a_pusher_that_starts_anew_goes_on_where_the_puller_stands(folder, own):
    source = own(Source(folder))
    puller = own(ZmqPuller(f"ipc://{folder}/signals", {"cross": 0}))
    source.push(3)
    read(puller, 3, source)
    source.write(2)  # written, and then it died
    source.close()

    again = own(Source(folder))

    assert read(puller, 2, again) == [("cross", 4), ("cross", 5)]


def test_strangers_and_nonsense_are_refused_and_counted(folder, own):
    source, stranger = own(Source(folder)), own(Source(folder, "stranger"))
    puller = own(ZmqPuller(f"ipc://{folder}/signals", {"cross": 0}))
    noise = own(zmq.Context.instance().socket(zmq.DEALER))
    noise.connect(f"ipc://{folder}/signals")
    stranger.push(3)
    for _ in range(3):
        noise.send_multipart([b"\x93junk"])
        noise.send_multipart([b"a", b"b", b"c"])
    source.push(2)

    assert read(puller, 2, source, stranger) == [("cross", 1), ("cross", 2)]
    for _ in range(100):
        stranger.pusher.service()
        puller.receive(0.01)
        if puller.refused >= 7:
            break
    assert puller.refused >= 7


def test_a_pusher_does_not_leave_out_a_row(folder, own):
    source = own(Source(folder))
    source.write(1)

    with pytest.raises(SequenceGap, match="expected row 1, got 2"):
        source.push(1)


def test_a_key_has_the_same_shard_everywhere():
    assert [shard_of(f"portfolio-{n}", 4) for n in range(6)] == [0, 2, 0, 2, 1, 3]


PULLS = """
import sys
from pathlib import Path
from flotilla.stream.log import LogWriter
from flotilla.stream.socket import ZmqPuller
folder = Path(sys.argv[1])
log = LogWriter(folder / "effects.db", ["effects"], durability="normal")
kept = log.checkpointed("me")
puller = ZmqPuller(f"ipc://{folder}/signals", kept.cursors if kept else {"cross": 0})
print("ready", flush=True)
while True:
    rows = puller.receive(1.0, limit=7)
    if rows:
        with log.transaction():
            log.append("effects", [(row.ts, row.payload) for _, row in rows])
            log.checkpoint("me", puller.cursors, b"")
        puller.acknowledge("cross", puller.cursors["cross"])
"""


def test_a_puller_killed_again_and_again_has_every_effect_once(folder, own, start):
    source = own(Source(folder))
    for death in range(3):
        child = start(PULLS, folder)
        while source.log.last_seq("signals") < 100 * (death + 1):
            source.push(1)
            source.pusher.service()
        sleep(0.005 * death)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    start(PULLS, folder)

    assert source.pusher.flush(5.0)

    effects = own(LogReader(folder / "effects.db", "effects")).read(0, 1_000)
    assert [row.payload for row in effects] == [b"%d" % n for n in range(1, 301)]
