import msgspec

from flotilla.model.events import (
    AccountUpdate,
    Alarm,
    AnyEvent,
    Event,
    PositionUpdate,
    ProcessUpdate,
    TradeExecution,
)
from flotilla.model.records import Account, Fill, Position

ALL = [
    PositionUpdate(sequence=1, ts=5, portfolio_id="p", positions=(Position("p", "AAPL", 5, 0, 1.0, 2.0),)),
    AccountUpdate(sequence=2, ts=5, account=Account("p", 5, 0, 1.0, 3.0, 3.0, 0.0)),
    TradeExecution(sequence=3, ts=5, fill=Fill("o-f0", "o", "p", "AAPL", 5, 0, 2.0, 1.0, 0.0)),
    ProcessUpdate(sequence=4, ts=5, process="feed", state="running"),
    Alarm(sequence=5, ts=5, source="feed", message="no data for 60 s"),
]


def test_every_event_is_read_back_by_its_type():
    assert {type(event) for event in ALL} == set(Event.__subclasses__())
    assert [msgspec.json.decode(msgspec.json.encode(event), type=AnyEvent) for event in ALL] == ALL


def test_types_are_written_as_dashboards_know_them():
    types = [msgspec.to_builtins(event)["type"] for event in ALL]

    assert types == ["POSITION_UPDATE", "ACCOUNT_UPDATE", "TRADE_EXECUTION", "PROCESS_UPDATE", "ALARM"]
