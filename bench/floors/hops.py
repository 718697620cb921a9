"""The hops of `ours/acknowledged.py` in bare pyzmq: from a tick to its order's acknowledgement.

    feed --PUB--> strategy --PUSH--> portfolio --DEALER--> execution --ROUTER--> portfolio

Messages are one msgspec struct of 200 bytes. Execution writes each order to a file that has its full size
already, and waits for the disk before it answers; every second tick gives an order. There is nothing else:
nobody would notice a message that is lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import msgspec
import numpy as np
import zmq

from bench.disturbance import Watch
from bench.pace import BYTES, TICKS_S, steady, ticks
from bench.records import Job, Measured
from bench.scratch import scratch
from flotilla.clock import sleep

_SETTLE_S = 0.5  # a subscriber that comes late misses what was sent


class _Message(msgspec.Struct, array_like=True):
    began_ns: int
    number: int
    symbol: str
    price: float
    quantity: float
    order: str
    padding: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Message).decode


def measure(job: Job) -> Measured:
    """Return the median latency."""
    count = ticks(job.quick)
    spawn = get_context("spawn")
    mine, theirs = spawn.Pipe()
    with scratch() as folder, Watch(job.cores) as watch:
        roles: list[tuple[Callable[..., None], tuple[Any, ...]]] = [
            (_execution, (folder, count)), (_portfolio, (folder, count, theirs)),
            (_strategy, (folder, count)), (_feed, (folder, count)),
        ]  # fmt: skip
        processes = [spawn.Process(target=role, args=arguments) for role, arguments in roles]
        for process in processes:
            process.start()
        took = steady(mine.recv())
        for process in processes:
            process.join()
    return Measured(
        value=float(np.median(took)),
        unit="us",
        size=f"{count:,} ticks, {TICKS_S} a second",
        others_pct=watch.others_pct,
        note=f"p50; p99 {np.quantile(took, 0.99):,.0f}; 1 disk sync",
    )


def _bound(kind: int, folder: Path, name: str) -> zmq.Socket[bytes]:
    socket = zmq.Context.instance().socket(kind)
    socket.set_hwm(0)
    socket.bind(f"ipc://{folder}/{name}")
    return socket


def _connected(kind: int, folder: Path, name: str) -> zmq.Socket[bytes]:
    socket = zmq.Context.instance().socket(kind)
    socket.set_hwm(0)
    socket.connect(f"ipc://{folder}/{name}")
    return socket


def _feed(folder: Path, count: int) -> None:
    bars = _bound(zmq.PUB, folder, "bars")
    sleep(_SETTLE_S)
    step = 1_000_000_000 // TICKS_S
    due = perf_counter_ns()
    for number in range(count):
        sleep(max(due - perf_counter_ns(), 0) / 1e9)
        now = perf_counter_ns()
        bars.send(_encode(_Message(now, number, "BTC-USDT", 1.5, 2.0, "", bytes(BYTES - 50))))
        due = max(due + step, now)
    sleep(_SETTLE_S)  # what was sent leaves before the process does


def _strategy(folder: Path, count: int) -> None:
    bars, signals = _connected(zmq.SUB, folder, "bars"), _connected(zmq.PUSH, folder, "signals")
    bars.subscribe(b"")
    for _ in range(count):
        signals.send(_encode(_decode(bars.recv())))


def _portfolio(folder: Path, count: int, answer: Any) -> None:
    signals = _bound(zmq.PULL, folder, "signals")
    orders = _connected(zmq.DEALER, folder, "orders")
    took = []
    for _ in range(count):
        message = _decode(signals.recv())
        if message.number % 2 == 0:
            message.order = f"order-{message.number:08d}"
            orders.send(_encode(message))
            answered = _decode(orders.recv())
            took.append(perf_counter_ns() - answered.began_ns)
    answer.send(took)


def _execution(folder: Path, count: int) -> None:
    orders = _bound(zmq.ROUTER, folder, "orders")
    journal = os.open(folder / "journal", os.O_CREAT | os.O_WRONLY, 0o600)
    os.write(journal, bytes(BYTES * count))
    os.fsync(journal)
    os.lseek(journal, 0, os.SEEK_SET)
    for _ in range((count + 1) // 2):
        who, payload = orders.recv_multipart()
        os.write(journal, payload)
        os.fdatasync(journal)
        orders.send_multipart([who, payload])
    os.close(journal)
