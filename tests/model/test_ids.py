import pytest

from flotilla.errors import ConfigError
from flotilla.model.ids import (
    decision_id_of,
    fill_id_of,
    order_id_of,
    order_named,
    request_id_of,
    request_named,
    signal_bar,
    signal_id_of,
)


def test_ids_say_what_the_thing_is_so_making_one_twice_gives_the_same():
    order = order_id_of("p-3", 42, "AAPL", 1)

    assert order == "p-3-00000042-AAPL-1"
    assert fill_id_of(order, 0) == "p-3-00000042-AAPL-1-f0"
    assert signal_id_of("cross", 42, "AAPL") == "cross-00000042-AAPL"
    assert decision_id_of("var", 42, "*") == "var-00000042-*"
    assert request_id_of("p-3", 42) == "p-3-00000042"


@pytest.mark.parametrize("instrument", ["AAPL", "BRK-B", "7", "ES-20240119-C-100"])
@pytest.mark.parametrize("portfolio", ["small", "small-7-20200302", "p_1"])
def test_an_order_and_its_fills_say_what_they_are_of(portfolio, instrument):
    order = order_id_of(portfolio, 123_456_789, instrument, 2)

    assert order_named(order) == (portfolio, 123_456_789, instrument, 2)
    assert order_named(fill_id_of(order, 3)) == order_named(order)


@pytest.mark.parametrize(
    "text", ["", "small", "small-42-AAPL-0", "Small-00000042-AAPL-0", "small-00000042-AAPL"]
)
def test_what_is_no_order_is_refused(text):
    with pytest.raises(ConfigError, match="no order's id"):
        order_named(text)


def test_a_signal_says_its_bar_to_who_knows_the_strategy():
    signal = signal_id_of("a-00000007-b", 42, "X-00000009-Y")

    assert signal_bar(signal, "a-00000007-b", "X-00000009-Y") == 42
    assert signal_bar(signal, "a", "X-00000009-Y") is None
    assert signal_bar(signal, "a-00000007-b", "Y") is None


def test_a_request_says_its_portfolio_and_bar():
    assert request_named(request_id_of("small-7", 42)) == ("small-7", 42)
    assert request_named("whatever") is None
