import numpy as np
import pandas as pd
import pytest

from flotilla.config import decode
from flotilla.research import configure, lines, panel_from, run, why
from flotilla.stage import close, sma
from flotilla.testing import made_market


def traded(strategies=None, **portfolio):
    some = {"cross": {"kind": "ma_cross", "params": {"fast": 3, "slow": 8}}}
    config = decode({"name": "study", "strategies": strategies or some, "portfolio": portfolio})
    return run(config, panel=made_market(seed=11, bars=150, instruments=3))


def chains(result):
    return [why(result, order.order_id) for order in result.orders]


def test_a_plain_order_is_told_without_a_word_too_many():
    result = traded()
    text = lines(why(result, result.orders[0].order_id))

    assert text[-1] == "  under no risk decision"
    assert sum("because cross said 1 on bar" in line for line in text) == 1
    assert not any("cash rule" in line or "drawdown" in line or "mean" in line for line in text)


def test_a_buy_that_was_cut_says_what_was_asked_what_was_filled_and_by_which_factor():
    chain = next(c for c in chains(traded(allocation=0.9)) if c.purchase and c.purchase.factor < 1)
    text = "\n".join(lines(chain))

    assert f"cut by the cash rule, {chain.purchase.asked:,.6g} asked and {chain.purchase.filled:,.6g}" in text
    assert f"all were scaled by {chain.purchase.factor:.6g}" in text
    assert f"there was {chain.purchase.cash:,.2f}" in text


def test_a_drawdown_limit_speaks_first():
    chain = next(c for c in chains(traded(max_drawdown=0.03)) if c.latch)
    text = lines(chain)
    at = next(n for n, line in enumerate(text) if "because the drawdown limit of 3.0000% was hit" in line)

    assert f"on bar {chain.latch.bar} (" in text[at]
    assert f"equity {chain.latch.equity:,.2f}" in text[at + 1]
    assert f"peak of {chain.latch.peak:,.2f}" in text[at + 1]
    assert any("although cross said" in line for line in text[at:])


def test_several_strategies_are_told_with_their_weights_and_what_they_came_to():
    strategies = {
        "cross": {"kind": "ma_cross", "params": {"fast": 3, "slow": 8}, "weight": 3},
        "back": {"kind": "rsi_reversion", "params": {"n": 5}},
    }
    chain = next(c for c in chains(traded(strategies)) if 0 < c.weighing.signal < 1)
    text = "\n".join(lines(chain))

    assert "weight 3, 75.0000% of the mean:" in text
    assert "weight 1, 25.0000% of the mean:" in text
    assert f"together they said {chain.weighing.signal:g}" in text


def test_what_risk_and_caps_left_of_a_weight_is_told(tmp_path):
    (tmp_path / "risk.csv").write_text("ts_recv,scale,cap,reason\n1990-01-01T00:00:00Z,0.5,0.1,var\n")
    result = traded(decisions=str(tmp_path / "risk.csv"), allocation=0.3)
    chain = next(c for c in chains(result) if c.order.weight > 0)
    text = "\n".join(lines(chain))

    assert (
        "under risk decision risk-00000000-* of 1990-01-01T00:00:00: scale 0.5, cap 0.1, reason var" in text
    )
    assert "30.0000% of equity by its signal alone, times 0.5 (scale 0.5 × tolerance 1), capped at" in text
    assert text.endswith("capped at 10.0000%: 10.0000%")


@pytest.mark.parametrize(("fill_at", "filled"), [("open", "10:45:00-04:00"), ("close", "11:00:00-04:00")])
def test_bars_shorter_than_a_day_are_told_when_they_open_and_close_where_the_market_is(fill_at, filled):
    times = pd.date_range("2022-04-14 09:30", periods=26, freq="15min", tz="America/New_York")
    prices = 100.0 + np.array([0, 0, 0, 0, 1] + [1] * 21)
    frame = pd.DataFrame({"open": prices, "high": prices, "low": prices, "close": prices}, index=times)
    panel = panel_from(frame, zone="America/New_York")
    result = run(configure(close > sma(close, 3), fill_at=fill_at), panel=panel)

    text = lines(why(result, result.orders[0].order_id))

    assert text[1].startswith("  decided at the close of bar 4 (2022-04-14T10:45:00-04:00): ")
    assert text[2].startswith(f"  filled on bar 5 (2022-04-14T{filled}): ")


def test_bars_of_a_day_are_told_by_their_date():
    result = traded()
    order = result.orders[0]
    day = np.datetime64(order.ts_event, "ns").astype("datetime64[s]")

    assert f"decided at the close of bar {order.bar} ({day}): " in lines(why(result, order.order_id))[1]
