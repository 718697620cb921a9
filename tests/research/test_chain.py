import json

from flotilla.model.records import Order
from flotilla.research.chain import Feature, Heeded, Latch, StrategySignal, Weighing, Why

ORDER = Order("p-00000003-A-0", "p", "A", 1, 3, 10.0, 0.5, "decision", ("s-00000003-A",), ())


def chain():
    signal = StrategySignal("s-00000003-A", "s", 3, 1.0, [Feature("close > 1", 1.0)], 2.0, 1.0)
    weighing = Weighing(3, 1.0, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0, 0.5)
    heeded = Heeded("m-00000000-*", "m", "*", 7, 0.5, 1.0, "var")
    latch = Latch(0.2, 120.0, 1, 90.0, 3, 9)
    told = [signal], weighing, [heeded], latch, None, {"cash": 100.0}
    return Why(ORDER, [], {"close": 5.0}, {}, *told, zone="UTC", bar_ns=86_400_000_000_000)


def test_a_chain_as_plain_values_keeps_every_name():
    plain = json.loads(json.dumps(chain().as_dict()))

    assert plain["signals"][0]["features"] == [{"text": "close > 1", "value": 1.0}]
    assert plain["weighing"]["signal"] == 1.0
    assert plain["decisions"][0]["reason"] == "var"
    assert plain["latch"]["limit"] == 0.2
    assert plain["purchase"] is None
    assert plain["order"]["order_id"] == ORDER.order_id


def test_a_chain_is_one_line_in_a_notebook():
    assert repr(chain()) == "Why(p-00000003-A-0: 10 A, 1 signal)"
