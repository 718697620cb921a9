"""Execution: orders are on the disk before they are acknowledged, and count once."""

from contextlib import closing

import numpy as np
import pytest

from flotilla.builtin.gateways import paper
from flotilla.errors import GatewayError
from flotilla.live import execution, feed
from flotilla.live.messages import DECIDED, FILLS
from flotilla.model.ids import order_id_of
from flotilla.model.records import Order, OrderReport
from flotilla.model.wire import Decided, Fills
from flotilla.stream.log import LogReader
from flotilla.stream.socket import Outcome, Replied, RequestRefused, ZmqClient, ZmqPublisher


class Desk:
    """A portfolio's end of the line, played by hand."""

    def __init__(self, cast):
        self.cast = cast
        cast.start("feed")
        cast.step("feed")
        cast.step("feed")
        cast.step("feed")
        cast.start("execution")
        self.client = ZmqClient(cast.run.endpoint("orders"))
        self.first = cast.run.manifest.first
        opens = cast.run.panel().fields["open"][:, 1]
        self.bar = next(t for t in range(self.first + 10, len(opens)) if not np.isnan(opens[t + 1]))

    def ask(self, decided: Decided, request_id: str | None = None) -> Outcome:
        """Send what was decided, and let execution step until it answers."""
        return self.send(DECIDED.encode(decided), request_id or f"made-{decided.bar:08d}")

    def send(self, payload: bytes, request_id: str) -> Outcome:
        self.client.submit(payload, 30.0, request_id)
        for _ in range(10_000):
            self.cast.step("execution")
            if outcomes := self.client.collect(0.001):
                return outcomes[0]
        raise AssertionError("no answer")

    def decided(self, bar: int, quantity: float = 10.0, instrument: str = "M1") -> Decided:
        order = Order(
            order_id_of("made", bar, instrument, 0), "made", instrument, 1, bar, quantity, 0.1, "decision"
        )
        return Decided("made", bar, 1, (order,))

    def rows(self, stream: str, file: str = "orders") -> list[bytes]:
        with closing(LogReader(self.cast.run.log(file), stream)) as log:
            return [row.payload for row in log.read(0, 1_000)]

    def taken(self) -> list[Order]:
        """Return what the paper broker wrote down itself."""
        return [paper.ORDERS.decode(payload) for payload in self.rows(paper.STREAM, "gateway")]

    def restart(self) -> None:
        """Let execution die, and start again."""
        self.cast.kill("execution")
        self.cast.start("execution")

    def fills(self) -> list[Fills]:
        return [FILLS.decode(payload) for payload in self.rows("fills")]

    def close(self):
        self.client.close()


@pytest.fixture
def desk(cast):
    made = Desk(cast)
    yield made
    made.close()


def test_orders_are_written_then_acknowledged_then_filled_at_the_next_bar(desk, panel):
    decided = desk.decided(desk.bar)

    assert desk.ask(decided) == Replied(f"made-{desk.bar:08d}", b"")
    desk.cast.step("execution")

    assert desk.rows("intents") == [DECIDED.encode(decided)]
    (told,) = desk.fills()
    assert (told.portfolio_id, told.bar) == ("made", desk.bar + 1)
    (fill,) = told.fills
    assert (fill.order_id, fill.quantity) == (decided.orders[0].order_id, 10.0)
    assert fill.price == panel.fields["open"][desk.bar + 1, 1] * 1.0005


def test_the_same_request_again_is_acknowledged_and_is_no_order_again(desk):
    decided = desk.decided(desk.bar)
    desk.ask(decided)

    assert isinstance(desk.ask(decided), Replied)
    assert isinstance(desk.ask(decided, "another-id-of-it"), Replied)

    assert len(desk.rows("intents")) == len(desk.fills()) == 1


@pytest.mark.parametrize("filled", [True, False])
def test_what_was_acknowledged_is_filled_once_though_execution_dies(desk, filled):
    last = desk.first + desk.cast.run.manifest.bars - 1
    decided = desk.decided(desk.bar if filled else last)
    desk.ask(decided)
    desk.cast.step("execution")

    for _ in range(3):
        desk.restart()
        desk.cast.step("execution")
        assert isinstance(desk.ask(decided), Replied)

    assert len(desk.rows("intents")) == 1
    assert len(desk.fills()) == (1 if filled else 0)  # after the last bar there is none to fill at
    assert desk.taken() == [*decided.orders]


@pytest.mark.parametrize("sent", [False, True])
def test_what_may_have_left_before_a_crash_is_asked_for_and_sent_once(desk, monkeypatch, sent):
    died = RuntimeError("here it dies")

    def submit(broker, orders):
        if sent:
            whole(broker, orders)
        raise died

    whole = paper.Paper.submit
    decided = desk.decided(desk.first + desk.cast.run.manifest.bars - 1)
    monkeypatch.setattr(paper.Paper, "submit", submit)
    with pytest.raises(RuntimeError, match="here it dies"):
        desk.ask(decided)
    assert len(desk.taken()) == sent
    monkeypatch.undo()

    desk.restart()

    assert desk.taken() == [*decided.orders]
    assert isinstance(desk.ask(decided), Replied)


@pytest.mark.parametrize("told", [False, True])
def test_a_crash_before_or_after_fills_are_written_fills_once(desk, monkeypatch, told):
    decided = desk.decided(desk.bar)
    dies = (ZmqPublisher, "publish") if told else (execution.Execution, "_keep")
    with monkeypatch.context() as patch:
        patch.setattr(*dies, lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            desk.ask(decided)
    assert len(desk.fills()) == told

    desk.restart()
    desk.cast.step("execution")

    assert [fill.order_id for told in desk.fills() for fill in told.fills] == [decided.orders[0].order_id]
    assert desk.taken() == [*decided.orders]


def test_another_decision_on_the_same_bar_is_refused(desk):
    desk.ask(desk.decided(desk.bar))

    again = desk.ask(desk.decided(desk.bar, quantity=99.0), "other")

    assert again == RequestRefused("other", f"made decided otherwise on bar {desk.bar} before")
    assert len(desk.rows("intents")) == 1


def test_what_is_no_order_of_ours_is_refused(desk):
    stranger = Decided("stranger", desk.first, 1, ())
    unknown = desk.decided(desk.first, instrument="GOOG")
    elsewhere = Decided("made", desk.first + 3, 1, desk.decided(desk.first).orders)

    assert desk.ask(stranger, "a") == RequestRefused("a", "no portfolio stranger trades here")
    assert isinstance(desk.ask(unknown, "b"), RequestRefused)
    assert isinstance(desk.ask(elsewhere, "c"), RequestRefused)
    assert isinstance(desk.send(b"nonsense", "d"), RequestRefused)
    assert desk.rows("intents") == []


def test_nothing_is_filled_before_the_next_bar_is_there(cast, monkeypatch):
    monkeypatch.setattr(feed, "_BATCH", 5)
    desk = Desk(cast)  # the feed has published 15 bars
    ahead = desk.decided(desk.first + 14)
    try:
        desk.ask(ahead)
        cast.step("execution")
        assert desk.fills() == []

        cast.step("feed")
        while not desk.fills():
            cast.step("execution")
        assert [told.bar for told in desk.fills()] == [desk.first + 15]
    finally:
        desk.close()


def test_a_query_is_answered_from_the_journal_of_a_process_that_died(desk):
    desk.ask(desk.decided(desk.bar))
    desk.cast.kill("execution")
    desk.cast.start("execution")
    request_id = f"made-{desk.bar:08d}"

    desk.client.inquire(request_id, 30.0)
    outcomes = []
    while not outcomes:
        desk.cast.step("execution")
        outcomes = desk.client.collect(0.001)

    assert outcomes == [Replied(request_id, b"")]


@pytest.mark.parametrize("death", ["", "before", "after"])
@pytest.mark.parametrize(("quantity", "filled"), [(3.0, [3.0]), (0.0, [])])
def test_what_rests_gives_way_to_the_next_decision_though_execution_dies(
    desk, panel, monkeypatch, death, quantity, filled
):
    opens = panel.fields["open"][:, 1]
    rests = next(
        t for t in range(desk.first, len(opens) - 2) if np.isnan(opens[t + 1]) > np.isnan(opens[t + 2])
    )
    desk.ask(desk.decided(rests))
    desk.cast.step("execution")
    method = "replace" if quantity else "cancel"
    whole = getattr(paper.Paper, method)

    def dies(broker, *asked):
        if death == "after":
            whole(broker, *asked)
        raise ZeroDivisionError

    if death:
        with monkeypatch.context() as patch:
            patch.setattr(paper.Paper, method, dies)
            with pytest.raises(ZeroDivisionError):
                desk.ask(desk.decided(rests + 1, quantity))
        desk.restart()
    assert isinstance(desk.ask(desk.decided(rests + 1, quantity)), Replied)
    desk.cast.step("execution")

    assert [fill.quantity for told in desk.fills() for fill in told.fills] == filled
    assert [told.bar for told in desk.fills()] == [rests + 1, rests + 2]


def test_a_report_that_cannot_be_is_told_with_its_order(desk, monkeypatch):
    stranger = OrderReport("made-00000000-M1-7", "filled", 1)
    monkeypatch.setattr(paper.Paper, "reports", lambda _: [stranger])

    with pytest.raises(GatewayError, match="order made-00000000-M1-7, which is not open, is filled"):
        desk.ask(desk.decided(desk.bar))
