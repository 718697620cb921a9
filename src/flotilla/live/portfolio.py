"""The portfolios of a run: they simulate the bars one by one, and turn signals into orders.

They take bar t together, once it is here with what every strategy says of it, and with what it
filled of those whose orders rest. Then, for each in one go: fills, mark, decide
(portfolio/single.py, which is what research runs). Nothing else goes in, so portfolios that
died simulate the bars since their checkpoint again, ask for the same orders under the same
ids, and nobody is harmed.

1. Orders go out in one request a portfolio and bar, whose id says both. Its answer may stay
   out: then execution is asked what became of it, and it is sent again if it never arrived.
2. Their accounts after each bar, their state and cursors are written together, now and then
   (`keep`); then execution is told how far they are, and the strategies what they may forget.
3. After the last bar they wait for the last answer, and end.
"""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack, closing

import msgspec
import numpy as np
import zmq

from flotilla.clock import monotonic_ns, now_ns
from flotilla.errors import GatewayError
from flotilla.live.account import HeededDecisions, portfolios_of, rehearse
from flotilla.live.bars import PriceReader, Prices
from flotilla.live.folder import Run
from flotilla.live.messages import DECIDED, FILLS, KEPT, SIGNALS, arrays
from flotilla.live.role import StopAsked, await_logs, begin, serve, wait
from flotilla.live.roles import BARS_LOG, FILLS_LOG, PORTFOLIO
from flotilla.model.arrays import Floats
from flotilla.model.ids import request_id_of
from flotilla.model.records import Account, Order
from flotilla.model.wire import Acked, Decided, Fills
from flotilla.portfolio.single import Moment, Portfolio
from flotilla.stream.arrays import decode_arrays, encode_arrays
from flotilla.stream.socket import (
    Outcome,
    Pending,
    Replied,
    RequestRefused,
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
    portfolio_id: str
    payload: bytes
    bar: int
    written_ns: int  # when the feed wrote the bar; 0 after a crash


class _Trading:
    """One of the portfolios, with what it follows and heeds."""

    def __init__(self, run: Run, name: str, portfolio: Portfolio) -> None:
        self.name, self.portfolio = name, portfolio
        follows = [run.strategies.index(strategy) for strategy in run.portfolios[name].strategies]
        self.follows = slice(None) if len(follows) == len(run.strategies) else follows
        self.risk = HeededDecisions(run, name)
        self.sent = -1  # the last bar that execution was told of
        self.look()

    def look(self) -> None:
        """Look whether the exchange has orders of it that are not filled."""
        self.rests = not np.isnan(self.portfolio.book.order).all()

    def account(self, moment: Moment) -> Account:
        """Return its account after a bar."""
        book, sums = self.portfolio.book, self.portfolio.sums
        return Account(
            self.name, moment.ts, moment.bar,
            float(book.cash[0]), float(sums.equity[0]), float(sums.peak[0]), float(sums.fees[0]),
        )  # fmt: skip


class Portfolios:
    """The portfolios, between their strategies and execution."""

    def __init__(self, run: Run, stack: ExitStack) -> None:
        self._run = run
        self._all = [_Trading(run, name, one) for name, one in portfolios_of(run).items()]
        self._log = stack.enter_context(closing(run.writer(PORTFOLIO, durability="normal")))
        self._bars: deque[Prices] = deque()
        self._said: dict[str, deque[Floats]] = {name: deque() for name in run.strategies}
        self._told: dict[tuple[int, str], tuple[int, Fills]] = {}  # bar, portfolio: seq of the row, fills
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
            for each in self._all:
                if self._last is not None and self._last.moment.bar > each.sent:
                    self._send(each, self._last, [])  # nothing to order, but so far it is
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
            "portfolios": {each.name: [each.portfolio.state(), each.sent] for each in self._all},
            "marks": self._marks,
            "open": {key: [r.portfolio_id, r.payload, r.bar] for key, r in self._open.items()},
        }
        with self._log.transaction():
            for stream, entries in self._entries.items():
                self._log.append(stream, entries)
                entries.clear()
            self._log.checkpoint(_ME, cursors, encode_arrays(state))
        self._kept_ns = monotonic_ns()
        for name in self._said:
            self._puller.acknowledge(name, self._simulated)

    def _recover(self) -> None:
        """Take up where the last process stopped."""
        kept = self._log.checkpointed(_ME)
        self._simulated, self._fills_seq = (kept.cursors["bars"], kept.cursors["fills"]) if kept else (0, 0)
        self._last: Prices | None = None  # the last bar that this process took
        self._marks: Floats | None = None
        self._open: dict[str, _Request] = {}
        if kept:
            state = decode_arrays(kept.state)
            for each in self._all:
                own, each.sent = state["portfolios"][each.name]
                each.portfolio.restore(own)
                each.look()
            self._marks = state["marks"]
            self._open = {
                k: _Request(name, payload, bar, 0) for k, (name, payload, bar) in state["open"].items()
            }
        self._resting = [each.name for each in self._all if each.rests]
        self._prices = PriceReader(self._run, self._marks)

    def _connect(self, stack: ExitStack) -> None:
        """Open the sockets, and ask again what was not answered."""
        run = self._run
        feed = stack.enter_context(closing(run.reader(BARS_LOG)))
        self._feed = stack.enter_context(
            closing(ZmqSubscriber(run.endpoint("bars"), "bars", feed, self._simulated))
        )
        fills = stack.enter_context(closing(run.reader(FILLS_LOG)))
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
            self._told[filled.bar, filled.portfolio_id] = row.seq, filled

    def _complete(self) -> bool:
        """Return whether all is there that the next bar needs."""
        if not self._bars or not all(self._said.values()):
            return False
        bar = self._bars[0].moment.bar
        return not self._resting or all((bar, name) in self._told for name in self._resting)

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
        moment = prices.moment
        signals = np.stack([said.popleft() for said in self._said.values()])
        for each in self._all:
            row, portfolio = prices.rows[each.name], each.portfolio
            portfolio.apply_fills(self._told[moment.bar, each.name][1].fills if each.rests else (), row)
            orders = portfolio.advance(moment, row, signals[each.follows], each.risk.at(moment.bar))
            each.look()
            if orders or each.rests:
                self._send(each, prices, orders)
            self._entries["equity"].append((prices.written_ns, KEPT.encode(each.account(moment))))
        for key in [key for key in self._told if key[0] <= moment.bar]:
            self._fills_seq = max(self._fills_seq, self._told.pop(key)[0])
        self._resting = [each.name for each in self._all if each.rests]
        self._simulated, self._last, self._marks = prices.seq, prices, prices.marks

    def _send(self, each: _Trading, prices: Prices, orders: list[Order]) -> None:
        """Tell execution what a portfolio decided on a bar."""
        bar = prices.moment.bar
        payload = DECIDED.encode(Decided(each.name, bar, prices.moment.ts, tuple(orders)))
        request_id = request_id_of(each.name, bar)
        self._open[request_id] = _Request(each.name, payload, bar, prices.written_ns)
        self._client.submit(payload, DEADLINE_S, request_id)
        each.sent = bar

    def _answered(self, outcome: Outcome) -> None:
        request = self._open.get(outcome.request_id)
        if request is None:
            return
        match outcome:
            case Replied():
                del self._open[outcome.request_id]
                if request.written_ns:
                    latency = now_ns() - request.written_ns
                    acked = Acked(request.portfolio_id, request.bar, latency)
                    self._entries["acks"].append((now_ns(), KEPT.encode(acked)))
            case RequestRefused():
                raise GatewayError(f"execution refused {outcome.request_id}: {outcome.reason}")
            case Unknown():
                self._client.inquire(outcome.request_id, DEADLINE_S)
            case Pending() | Unseen():  # under the same id it is the same request
                self._client.submit(request.payload, DEADLINE_S, outcome.request_id)


def play(run: Run, _name: str, stop: StopAsked) -> None:
    """Live to the last bar, or until asked to stop."""
    rehearse(run)
    if not await_logs(stop, run, PORTFOLIO):
        return
    with ExitStack() as stack:
        role = Portfolios(run, stack)
        serve(role.step, stop, lambda: role.done)
        role.keep()


if __name__ == "__main__":
    begin(play)
