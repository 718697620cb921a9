"""A portfolio: simulates the bars one by one, and turns signals into orders.

It simulates bar t once it has the bar, what every strategy says of it, and, if it has orders
resting, what the bar filled. Then, in one go: settle, mark, decide (portfolio/single.py, which
is what research runs). Nothing else goes in, so a portfolio that died simulates the bars since
its checkpoint again, asks for the same orders under the same ids, and nobody is harmed.

1. Orders go out in one request a bar, whose id is the bar's. Its answer may stay out: then
   execution is asked what became of it, and it is sent again if it never arrived.
2. Its account after each bar, its state and its cursors are written together, now and then
   (`keep`); then execution is told how far it is, and the strategies what they may forget.
3. After the last bar it waits for its last answer, and ends.
"""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack, closing

import msgspec
import numpy as np
import zmq

from flotilla.clock import monotonic_ns, now_ns
from flotilla.errors import GatewayError
from flotilla.live.account import Heeded, portfolio_of, rehearse
from flotilla.live.bars import PriceReader, Prices
from flotilla.live.folder import Run
from flotilla.live.messages import DECIDED, FILLS, KEPT, SIGNALS, arrays
from flotilla.live.role import Stop, await_logs, begin, serve, wait
from flotilla.model.arrays import Floats
from flotilla.model.ids import request_id_of
from flotilla.model.records import Account, Fill, Order
from flotilla.model.wire import Acked, Decided, Fills
from flotilla.portfolio.single import Moment, Portfolio
from flotilla.stream.arrays import decode, encode
from flotilla.stream.log import LogReader, LogWriter
from flotilla.stream.socket import (
    Outcome,
    Pending,
    Refused,
    Replied,
    Unknown,
    Unseen,
    ZmqClient,
    ZmqPuller,
    ZmqSubscriber,
)

KEEP_BARS = 256
KEEP_NS = 50_000_000
DEADLINE_S = 0.25  # after which execution is asked what became of a request
_ME = "portfolio"


class _Request(msgspec.Struct):
    payload: bytes
    bar: int
    written_ns: int  # when the feed wrote the bar; 0 after a crash


class Role:
    """One portfolio, between its strategies and execution."""

    def __init__(self, run: Run, stack: ExitStack) -> None:
        self._run, self._id = run, run.portfolio_id
        self._portfolio = portfolio_of(run)
        self._risk = Heeded(run)
        self._log = stack.enter_context(
            closing(LogWriter(run.log("portfolio"), ["equity", "acks"], durability="normal", once=True))
        )
        self._bars: deque[Prices] = deque()
        self._said: dict[str, deque[Floats]] = {name: deque() for name in run.strategies}
        self._told: dict[int, tuple[int, Fills]] = {}  # bar -> seq of the row, what was filled
        self._entries: dict[str, list[tuple[int, bytes]]] = {"equity": [], "acks": []}
        self._recover()
        self._connect(stack)

    def step(self, idle_s: float) -> None:
        """Simulate the bars that are complete, or wait for one up to `idle_s`."""
        self._gather()
        for _ in range(KEEP_BARS):
            if not self._complete():
                break
            self._simulate(self._bars.popleft())
        news = monotonic_ns() - self._kept_ns >= KEEP_NS and any(self._entries.values())
        if news or len(self._entries["equity"]) >= KEEP_BARS:
            self.keep()
            if self._last is not None and self._last.moment.bar > self._sent:
                self._send(self._last, [])  # nothing to order, but so far it is
        behind = self._feed.behind or (self._resting and self._fills.behind)
        if not (behind or self._complete() or self.done):
            wait(self._missing(), idle_s)

    @property
    def done(self) -> bool:
        """Return whether the last bar is simulated, and everything answered."""
        return self._prices.closed and not self._bars and not self._open

    def keep(self) -> None:
        """Write down the accounts since the last time, the state and the cursors; then acknowledge."""
        cursors = {"bars": self._simulated, "fills": self._fills_seq}
        state = {
            "portfolio": self._portfolio.state(),
            "marks": self._marks,
            "open": {key: [request.payload, request.bar] for key, request in self._open.items()},
            "sent": self._sent,
        }
        with self._log.transaction():
            for stream, entries in self._entries.items():
                self._log.append(stream, entries)
                entries.clear()
            self._log.checkpoint(_ME, cursors, encode(state))
        self._kept_ns = monotonic_ns()
        for name in self._said:
            self._puller.acknowledge(name, self._simulated)

    def _recover(self) -> None:
        """Take up where the last process stopped."""
        kept = self._log.checkpointed(_ME)
        self._simulated, self._fills_seq = (kept.cursors["bars"], kept.cursors["fills"]) if kept else (0, 0)
        self._last: Prices | None = None  # the last bar that this process simulated
        self._marks: Floats | None = None
        self._open: dict[str, _Request] = {}
        self._sent = -1  # the last bar that execution was told of
        if kept:
            state = decode(kept.state)
            self._portfolio.restore(state["portfolio"])
            self._marks, self._sent = state["marks"], state["sent"]
            self._open = {key: _Request(payload, bar, 0) for key, (payload, bar) in state["open"].items()}
        self._resting = _resting(self._portfolio)
        self._prices = PriceReader(self._run, self._marks)

    def _connect(self, stack: ExitStack) -> None:
        """Open the sockets, and ask again what was not answered."""
        run = self._run
        feed = stack.enter_context(closing(LogReader(run.log("bars"), "bars")))
        self._feed = stack.enter_context(
            closing(ZmqSubscriber(run.endpoint("bars"), "bars", feed, self._simulated))
        )
        fills = stack.enter_context(closing(LogReader(run.log("orders"), "fills")))
        self._fills = stack.enter_context(
            closing(ZmqSubscriber(run.endpoint("fills"), "fills", fills, self._fills_seq))
        )
        cursors = dict.fromkeys(run.strategies, self._simulated)  # a signal's seq is its bar's
        self._puller = stack.enter_context(closing(ZmqPuller(run.endpoint("signals"), cursors)))
        self._client = stack.enter_context(closing(ZmqClient(run.endpoint("orders"))))
        self._kept_ns = monotonic_ns()
        for request_id, request in self._open.items():
            self._client.submit(request.payload, DEADLINE_S, request_id)

    def _gather(self) -> None:
        """Take in what has come."""
        for outcome in self._client.collect() if self._open else ():
            self._answered(outcome)
        self._bars.extend(self._prices.read(self._feed.drain()))
        for source, row in self._puller.drain():
            signals = SIGNALS.decode(row.payload)
            self._said[source].append(arrays([signals.strengths], (self._run.shape[1],))[0])
        for row in self._fills.drain() if self._resting else ():  # till then they may wait
            filled = FILLS.decode(row.payload)
            if filled.portfolio_id == self._id:
                self._told[filled.bar] = row.seq, filled

    def _complete(self) -> bool:
        """Return whether all is there that the next bar needs."""
        if not self._bars or not all(self._said.values()):
            return False
        return not self._resting or self._bars[0].moment.bar in self._told

    def _missing(self) -> list[zmq.Socket[bytes]]:
        """Return the sockets whose messages there is something to do with."""
        # The bar is of no use before the signals, but reading it while the strategies think is.
        missing = [self._client.socket, self._feed.socket]
        if not all(self._said.values()):
            missing.append(self._puller.socket)
        elif self._resting:
            missing.append(self._fills.socket)
        return missing

    def _simulate(self, prices: Prices) -> None:
        """Simulate one bar."""
        portfolio, moment = self._portfolio, prices.moment
        signals = np.stack([said.popleft() for said in self._said.values()])
        fills: tuple[Fill, ...] = ()
        if self._resting:
            self._fills_seq, told = self._told.pop(moment.bar)
            fills = told.fills
        portfolio.settle(fills, prices.row)
        orders = portfolio.advance(moment, prices.row, signals, self._risk.at(moment.bar))
        self._resting = _resting(portfolio)
        if orders or self._resting:
            self._send(prices, orders)
        self._simulated, self._last, self._marks = prices.seq, prices, prices.row.mark
        self._entries["equity"].append((prices.written_ns, KEPT.encode(self._account(moment))))
        self._told = {bar: told for bar, told in self._told.items() if bar > moment.bar}

    def _account(self, moment: Moment) -> Account:
        book, sums = self._portfolio.book, self._portfolio.sums
        return Account(
            self._id, moment.ts, moment.bar,
            float(book.cash[0]), float(sums.equity[0]), float(sums.peak[0]), float(sums.fees[0]),
        )  # fmt: skip

    def _send(self, prices: Prices, orders: list[Order]) -> None:
        """Tell execution what was decided on a bar."""
        bar = prices.moment.bar
        payload = DECIDED.encode(Decided(self._id, bar, prices.moment.ts, tuple(orders)))
        request_id = request_id_of(self._id, bar)
        self._open[request_id] = _Request(payload, bar, prices.written_ns)
        self._client.submit(payload, DEADLINE_S, request_id)
        self._sent = bar

    def _answered(self, outcome: Outcome) -> None:
        request = self._open.get(outcome.request_id)
        if request is None:
            return
        match outcome:
            case Replied():
                del self._open[outcome.request_id]
                if request.written_ns:
                    latency = now_ns() - request.written_ns
                    acked = Acked(self._id, request.bar, latency)
                    self._entries["acks"].append((now_ns(), KEPT.encode(acked)))
            case Refused():
                raise GatewayError(f"execution refused {outcome.request_id}: {outcome.reason}")
            case Unknown():
                self._client.inquire(outcome.request_id, DEADLINE_S)
            case Pending() | Unseen():  # under the same id it is the same request
                self._client.submit(request.payload, DEADLINE_S, outcome.request_id)


def _resting(portfolio: Portfolio) -> bool:
    """Return whether the exchange has orders of the portfolio that are not filled."""
    return not np.isnan(portfolio.book.order).all()


def play(run: Run, _name: str, stop: Stop) -> None:
    """Live to the last bar, or until asked to stop."""
    rehearse(run)
    if not await_logs(stop, (run.log("bars"), "bars"), (run.log("orders"), "fills")):
        return
    with ExitStack() as stack:
        role = Role(run, stack)
        serve(role.step, stop, lambda: role.done)
        role.keep()


if __name__ == "__main__":
    begin(play)
