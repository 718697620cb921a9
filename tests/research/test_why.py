"""Every order can say why it exists, from the bars up to then and from nothing later."""

import numpy as np
import pytest

from flotilla.config import decode
from flotilla.errors import UnknownName
from flotilla.research import lines, run, why, why_of
from flotilla.testing import made_market


def traded(panel, **portfolio):
    strategies = {
        "cross": {"kind": "ma_cross", "params": {"fast": 3, "slow": 8}},
        "back": {"kind": "rsi_reversion", "params": {"n": 5}},
    }
    return run(decode({"name": "study", "strategies": strategies, "portfolio": portfolio}), panel=panel)


def test_an_order_leads_back_to_the_signals_features_and_bars_behind_it():
    panel = made_market(seed=11, bars=150, instruments=3)
    result = traded(panel)
    order = result.orders[10]
    i = panel.instruments.index(order.instrument)

    chain = why(result, order.order_id)

    assert chain.order == order
    assert chain.decided_on["close"] == panel.fields["close"][order.bar, i]
    assert {o.signal_id for o in chain.opinions} == set(order.signal_ids)
    for opinion in chain.opinions:
        assert opinion.strength == result.signals[opinion.strategy][opinion.bar, i]
    cross = next(o for o in chain.opinions if o.strategy == "cross")
    features = {f.text: f.value for f in cross.features}
    assert features["sma(close, 3) > sma(close, 8)"] == cross.strength


def test_a_fill_leads_to_its_order():
    result = traded(made_market(seed=11, bars=150, instruments=3))
    fill = result.fills[5]

    chain = why(result, fill.fill_id)

    assert chain.order.order_id == fill.order_id
    assert fill in chain.fills
    assert any(f"{fill.price:,.4f}" in line for line in lines(chain))


def test_no_later_bar_changes_the_answer():
    panel = made_market(seed=12, bars=150, instruments=3)
    whole, early = traded(panel), traded(panel.rows(0, 90))
    order = [o for o in early.orders if o.bar < 88][-1]

    assert repr(why(whole, order.order_id).opinions) == repr(why(early, order.order_id).opinions)


def test_a_risk_decision_stands_in_the_chain(tmp_path):
    panel = made_market(seed=13, bars=150, instruments=3)
    when = np.datetime64(int(panel.ts_recv[20]), "ns")
    (tmp_path / "risk.csv").write_text(f"ts_recv,model,scale,reason\n{when}Z,stress,0.5,var\n")
    result = traded(panel, decisions=str(tmp_path / "risk.csv"))
    order = next(o for o in result.orders if o.bar > 20)

    chain = why(result, order.order_id)

    assert chain.decisions == ["stress-00000000-*"]
    assert "under risk decision stress" in "\n".join(lines(chain))


def test_an_order_that_somebody_else_recorded_is_explained_from_its_configuration():
    result = run(
        decode(
            {
                "name": "sampled",
                "data": {"source": "sample", "start": "2020-01-01", "instruments": ["AAPL", "KO"]},
                "strategies": {"cross": {"kind": "ma_cross"}},
            }
        )
    )
    order = result.orders[0]

    assert why_of(result.config, order, []).opinions == why(result, order.order_id).opinions


def test_an_unknown_order_is_answered_with_the_nearest():
    result = traded(made_market(seed=11, bars=150, instruments=3))
    known = result.orders[0].order_id

    with pytest.raises(UnknownName, match="did you mean"):
        why(result, known[:-1] + "7")
