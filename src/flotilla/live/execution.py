"""Execution: writes orders down, sends them to the gateway, tells what they got.

1. A portfolio's orders of a bar come in one request (`Decided`). All that came together are
   written with one wait for the disk, then acknowledged: what is acknowledged survives.
   The same request again, after a crash on either side, is acknowledged again and is not
   an order again.
2. A bar's orders go to the gateway when those before them met their bar, and meet the next
   bar when it is here: never before the portfolio has decided, so that it has had its say.
3. What becomes of an order the gateway reports, and each report moves the order's state as
   the table in model/order_state.py allows.
4. Fills are written, in the same commit as the gateway's state, before they are told.
5. After a crash nobody knows whether the last orders that were written had left. The gateway
   is asked (`known`), and is sent what it lacks: no order ever goes to it twice.

Orders that rest over a bar (nothing traded) wait for the portfolio to decide on that bar
as well, since it may replace them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import Any
from zlib import crc32

import msgspec

from flotilla.clock import now_ns
from flotilla.errors import DataError, GatewayError
from flotilla.live.account import gateway_of, rehearse
from flotilla.live.bars import PriceReader, Prices
from flotilla.live.folder import Run
from flotilla.live.messages import DECIDED, FILLS, ORDERS
from flotilla.live.role import StopAsked, await_logs, begin, serve, wait
from flotilla.live.roles import BARS_LOG, EXECUTION, GATEWAY, ORDERS_LOG
from flotilla.model.ids import request_named
from flotilla.model.order_state import FINAL, OrderState, after, next_state
from flotilla.model.records import Fill, Order
from flotilla.model.wire import Decided, Fills
from flotilla.stream.arrays import decode_arrays, encode_arrays
from flotilla.stream.socket import Asked, ZmqPublisher, ZmqServer, ZmqSubscriber

_ME = "execution"
_NOTHING: dict[str, Any] = {"gateway": None, "working": [], "marks": None, "accounts": {}}
SENT = next_state(OrderState.INITIALISED, "submitted")


class _Account:
    """What execution knows of one portfolio."""

    def __init__(self) -> None:
        self.decided, self.crc = -1, 0  # the last bar that is written down, and what was
        self.waiting: deque[Decided] = deque()  # written down, and not filled
        self.sent = -1  # the last bar whose orders the gateway has
        self.filled = -1  # the last bar that was filled


class _Working(msgspec.Struct):
    """An order that is not over."""

    order: Order
    state: OrderState


class Execution:
    """Takes orders, and tells fills."""

    def __init__(self, run: Run, stack: ExitStack) -> None:
        self._run = run
        self._accounts = {name: _Account() for name in run.portfolios}
        self._working: dict[str, _Working] = {}
        self._log = stack.enter_context(closing(run.writer(EXECUTION)))
        self._gateway = stack.enter_context(closing(gateway_of(run, run.log(GATEWAY))))
        cursor = self._recover()
        log = stack.enter_context(closing(run.reader(BARS_LOG)))
        self._bars = stack.enter_context(closing(ZmqSubscriber(run.endpoint("bars"), "bars", log, cursor)))
        self._server = stack.enter_context(closing(ZmqServer(run.endpoint("orders"), resolve=self._resolve)))
        self._publisher = stack.enter_context(
            closing(ZmqPublisher(run.endpoint("fills"), "fills", self._log.last_seq("fills") + 1))
        )

    def step(self, idle_s: float) -> None:
        """Take the orders that are there, and fill those that can be, or wait up to `idle_s`."""
        asked = self._server.drain()
        if asked:
            self._take(asked)
        rows = self._bars.drain()
        self._market.update((prices.moment.bar, prices) for prices in self._prices.read(rows))
        while self._fill():
            pass
        self._publisher.heartbeat()
        if not self._bars.behind:
            waited = any(account.waiting for account in self._accounts.values())
            wait([self._server.socket, self._bars.socket][: 1 + waited], idle_s)

    def _take(self, asked: Sequence[Asked]) -> None:
        """Write requests down, all at once; then answer them."""
        good, new = [], []
        for request in asked:
            try:
                decided = self._checked(request)
            except DataError as error:
                self._server.refuse(request.request_id, str(error))
                continue
            good.append(request.request_id)
            if decided.bar > self._accounts[decided.portfolio_id].decided:
                new.append(request.payload)
                self._note(decided, request.payload)
        if new:
            now = now_ns()
            self._log.append("intents", [(now, payload) for payload in new])
        for request_id in good:
            self._server.reply(request_id, b"")
        self._send()

    def _checked(self, request: Asked) -> Decided:
        """Return what a request says; `DataError` where it should not be said."""
        decided = DECIDED.decode(request.payload)
        account = self._accounts.get(decided.portfolio_id)
        if account is None:
            raise DataError(f"no portfolio {decided.portfolio_id} trades here")
        if decided.bar == account.decided and crc32(request.payload) != account.crc:
            raise DataError(f"{decided.portfolio_id} decided otherwise on bar {decided.bar} before")
        for order in decided.orders:
            own = (order.portfolio_id, order.bar) == (decided.portfolio_id, decided.bar)
            if not own or order.instrument not in self._run.manifest.instruments:
                raise DataError(f"{order.order_id} is no order of {decided.portfolio_id}, bar {decided.bar}")
        return decided

    def _note(self, decided: Decided, payload: bytes) -> None:
        account = self._accounts[decided.portfolio_id]
        account.decided, account.crc = decided.bar, crc32(payload)
        account.waiting.append(decided)

    def _resolve(self, request_id: str) -> bytes | None:
        """Answer for a request that was written down before this process began."""
        asked = request_named(request_id)
        account = self._accounts.get(asked.portfolio_id) if asked else None
        return b"" if asked and account and asked.bar <= account.decided else None

    def _send(self) -> None:
        """Send the gateway each portfolio's next orders, unless it has them."""
        for name, account in self._accounts.items():
            if account.waiting and account.sent < account.waiting[0].bar:
                self._hand_over(name, account.waiting[0].orders)
                account.sent = account.waiting[0].bar
        self._hear()

    def _hand_over(self, name: str, orders: Sequence[Order]) -> None:
        """Send a portfolio's orders of a bar; each takes the place of what rests of its instrument."""
        working = [w.order for w in self._working.values() if w.order.portfolio_id == name]
        resting = {order.instrument: order.order_id for order in working}
        new = []
        for order in orders:
            old = resting.get(order.instrument)
            if order.quantity != 0.0:
                self._working[order.order_id] = _Working(order, SENT)
                if old:
                    self._gateway.replace(old, order)
                else:
                    new.append(order)
            elif old:
                self._gateway.cancel([old])
        if new:
            self._gateway.submit(new)

    def _hear(self) -> list[Fill]:
        """Take in what the gateway reports, and return the fills among it."""
        fills = []
        for report in self._gateway.reports():
            working = self._working.get(report.order_id)
            if working is None:
                order = f"order {report.order_id}, which is not open"
                raise GatewayError(f"the gateway reports that {order}, is {report.event}")
            working.state = after(working.state, report)
            if working.state in FINAL:
                del self._working[report.order_id]
            if report.fill:
                fills.append(report.fill)
        return fills

    def _ask(self) -> None:
        """Send the gateway what it lacks of each portfolio's next orders, as nobody knows what was sent."""
        waiting = {name: account for name, account in self._accounts.items() if account.waiting}
        lacking: dict[str, list[Order]] = {}
        for name, account in waiting.items():
            orders = account.waiting[0].orders
            known = self._gateway.known([order.order_id for order in orders if order.quantity != 0.0])
            lost = [order for order in orders if order.order_id in known - self._working.keys()]
            self._working |= {order.order_id: _Working(order, OrderState.UNKNOWN) for order in lost}
            lacking[name] = [order for order in orders if order.order_id not in known]
        self._hear()  # of all portfolios at once, so all that was sent is to be known by now
        for name, account in waiting.items():
            self._hand_over(name, lacking[name])
            account.sent = account.waiting[0].bar
        self._hear()

    def _fill(self) -> bool:
        """Let each portfolio's next orders meet their bar, if it is here; return whether one was."""
        now, entries = now_ns(), []
        for name, account in self._accounts.items():
            if account.waiting and (prices := self._market.get(account.waiting[0].bar + 1)):
                account.waiting.popleft()
                self._gateway.trade(name, prices.moment, prices.rows[name])
                told = Fills(name, prices.moment.bar, prices.moment.ts, tuple(self._hear()))
                entries.append((now, FILLS.encode(told)))
                account.filled = prices.moment.bar
        if not entries:
            return False
        with self._log.transaction():
            rows = self._log.append("fills", entries)
            self._keep()
        self._publisher.publish(rows)
        self._send()  # after the commit: the gateway's state must not have met a bar that is forgotten
        return True

    def _keep(self) -> None:
        """Write down what the gateway holds, and where its bars begin after a crash."""
        floor = min(account.filled for account in self._accounts.values())
        for bar in [bar for bar in self._market if bar < floor]:
            del self._market[bar]
        last = self._market.get(floor)
        state = {
            "gateway": self._gateway.state(),
            "working": [[ORDERS.encode(w.order), w.state.value] for w in self._working.values()],
            "marks": None if last is None else last.marks,
            "accounts": {
                name: [account.decided, account.crc, account.filled, [*map(DECIDED.encode, account.waiting)]]
                for name, account in self._accounts.items()
            },
        }
        cursors = {"bars": last.seq if last else 0, "intents": self._log.last_seq("intents")}
        self._log.checkpoint(_ME, cursors, encode_arrays(state))

    def _recover(self) -> int:
        """Take up where the last process stopped; return the seq of the last bar that is done with."""
        kept = self._log.checkpointed(_ME)
        state = decode_arrays(kept.state) if kept else _NOTHING
        for payload, order_state in state["working"]:
            order = ORDERS.decode(payload)
            self._working[order.order_id] = _Working(order, OrderState(order_state))
        self._gateway.restore(state["gateway"])
        for name, (decided, crc, filled, waiting) in state["accounts"].items():
            account = self._accounts[name]
            account.decided, account.crc, account.filled = decided, crc, filled
            account.waiting.extend(map(DECIDED.decode, waiting))
        with closing(self._run.reader(ORDERS_LOG)) as intents:
            after = kept.cursors["intents"] if kept else 0
            for row in intents.read(after, self._log.last_seq("intents")):
                self._note(DECIDED.decode(row.payload), row.payload)
        self._ask()
        self._market: dict[int, Prices] = {}
        self._prices = PriceReader(self._run, state["marks"])
        return kept.cursors["bars"] if kept else 0


def play(run: Run, _name: str, stop: StopAsked) -> None:
    """Execute until asked to stop."""
    rehearse(run)
    if not await_logs(stop, run, EXECUTION):
        return
    with ExitStack() as stack:
        serve(Execution(run, stack).step, stop)


if __name__ == "__main__":
    begin(play)
