from flotilla.config import decode
from flotilla.research import lines, run, why
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
    chain = next(c for c in chains(traded(strategies)) if 0 < c.weighing.opinion < 1)
    text = "\n".join(lines(chain))

    assert "weight 3, 75.0000% of the mean:" in text
    assert "weight 1, 25.0000% of the mean:" in text
    assert f"together they said {chain.weighing.opinion:g}" in text


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
