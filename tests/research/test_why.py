"""Every order can say why it exists, from the bars up to then and from nothing later."""

import numpy as np
import pytest

from flotilla.config import decode
from flotilla.errors import ConfigError, UnknownName
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
    assert {o.signal_id for o in chain.signals} == set(order.signal_ids)
    for signal in chain.signals:
        assert signal.strength == result.signals[signal.strategy][signal.bar, i]
    cross = next(o for o in chain.signals if o.strategy == "cross")
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

    assert repr(why(whole, order.order_id).signals) == repr(why(early, order.order_id).signals)


def decided(tmp_path, panel, *rows):
    """Write a table of risk decisions: (bar from which it can be known, model, scale, cap, reason)."""
    path = tmp_path / "risk.csv"
    times = [f"{np.datetime64(int(panel.ts_recv[bar]), 'ns')}Z" for bar, *_ in rows]
    lines_ = [",".join([at, *map(str, said)]) for at, (_, *said) in zip(times, rows, strict=True)]
    path.write_text("\n".join(["ts_recv,model,scale,cap,reason", *lines_]))
    return str(path)


def test_a_risk_decision_stands_in_the_chain_with_what_it_did_to_the_weight(tmp_path):
    panel = made_market(seed=13, bars=150, instruments=3)
    table = decided(tmp_path, panel, (20, "stress", 0.5, 1.0, "var"), (20, "names", 1.0, 0.05, "crowded"))
    result = traded(panel, decisions=table, risk_tolerance=0.5, allocation=0.6)
    order = next(o for o in result.orders if o.bar > 20 and o.weight > 0)

    chain = why(result, order.order_id)

    assert [d.decision_id for d in chain.decisions] == list(order.decision_ids)
    assert [(d.model, d.scale, d.cap, d.reason) for d in chain.decisions] == [
        ("stress", 0.5, 1.0, "var"),
        ("names", 1.0, 0.05, "crowded"),
    ]
    weighing = chain.weighing
    assert (weighing.scale, weighing.tolerance, weighing.factor, weighing.cap) == (0.5, 0.5, 0.25, 0.05)
    assert weighing.unrestrained == weighing.signal * 0.6
    assert weighing.weight == min(weighing.unrestrained * 0.25, 0.05) == order.weight


def test_every_weight_is_what_signals_risk_and_limits_come_to(tmp_path):
    panel = made_market(seed=17, bars=150, instruments=3)
    table = decided(tmp_path, panel, (40, "stress", 0.5, 0.2, "var"), (70, "stress", 1.0, 0.9, "ok"))
    result = traded(panel, decisions=table, rebalance="bar", allocation=0.5, max_drawdown=0.02)

    chains = [why(result, order.order_id) for order in [*result.orders[::7], *result.orders[-3:]]]

    assert any(chain.latch for chain in chains)
    assert any(not chain.latch for chain in chains)
    for chain in chains:
        assert chain.order.weight == (0.0 if chain.latch else chain.weighing.weight)
        assert chain.weighing.scale == result.market.scale[chain.order.bar, index(panel, chain.order)]


def index(panel, order):
    return panel.instruments.index(order.instrument)


def test_the_weights_of_several_strategies_and_what_each_said_make_the_mean():
    panel = made_market(seed=11, bars=150, instruments=3)
    strategies = {
        "cross": {"kind": "ma_cross", "params": {"fast": 3, "slow": 8}, "weight": 3},
        "cross-b": {"kind": "rsi_reversion", "params": {"n": 5}},
        "held": {"kind": "buy_and_hold", "weight": 0},
    }
    result = run(decode({"name": "study", "strategies": strategies}), panel=panel)
    mixed = [o for o in result.orders if 0 < o.weight < 1 / 3]

    for order in mixed:
        chain = why(result, order.order_id)
        said = {o.strategy: (o.share, o.part, o.strength) for o in chain.signals}
        assert {name: share for name, (share, *_) in said.items()} == {"cross": 3, "cross-b": 1, "held": 0}
        assert [said[name][1] for name in said] == [0.75, 0.25, 0.0]
        mean = sum(part * strength for _, part, strength in said.values())
        assert chain.weighing.signal == mean
        assert order.weight == mean * (1 / 3)
    assert mixed


def test_a_drawdown_limit_that_sold_is_named_with_its_numbers():
    panel = made_market(seed=15, bars=150, instruments=3)
    result = traded(panel, max_drawdown=0.03)
    peaks = np.maximum.accumulate(np.maximum(result.equity, 1e6))
    hit = int(np.flatnonzero(result.equity <= peaks * (1 - 0.03))[0])
    sold = [o for o in result.orders if o.bar == hit]

    latches = [why(result, order.order_id).latch for order in sold]

    assert sold
    for latch in latches:
        assert (latch.limit, latch.bar) == (0.03, hit)
        assert (latch.equity, latch.peak) == (result.equity[hit], peaks[hit])
        assert latch.ts == panel.ts_event[hit]
        assert latch.peak in (1e6, result.equity[latch.peak_bar])
    before = [o for o in result.orders if o.bar < hit]
    assert [why(result, o.order_id).latch for o in before] == [None] * len(before)


@pytest.mark.parametrize("terms", [{}, {"size_at": "fill"}, {"lot": 1}, {"slippage_bps": 20}], ids=str)
def test_a_buy_that_the_cash_rule_cut_says_by_how_much(terms):
    panel = made_market(seed=11, bars=150, instruments=3)
    result = traded(panel, allocation=0.9, fee_bps=30, **terms)

    cut = 0
    for order in result.orders:
        chain = why(result, order.order_id)
        if chain.purchase is None:
            assert all(fill.quantity < 0 for fill in chain.fills) or not chain.fills
            continue
        asked, filled, factor, need, cash = chain.purchase
        assert filled == sum(fill.quantity for fill in chain.fills)
        bought = asked * factor if factor < 1 else asked
        assert filled == (np.trunc(bought) if terms.get("lot") else bought)
        if factor < 1:
            cut += 1
            assert need > cash
            assert factor == pytest.approx(cash / need, rel=1e-12)
        if terms != {"size_at": "fill"}:
            assert asked == order.quantity
    assert cut > 3


def test_an_order_that_somebody_else_recorded_is_explained_from_its_configuration():
    result = run(
        decode(
            {
                "name": "sampled",
                "data": {"source": "sample", "start": "2020-01-01", "instruments": ["AAPL", "KO"]},
                "strategies": {"cross": {"kind": "ma_cross"}},
                "portfolio": {"allocation": 0.8, "max_drawdown": 0.3},
            }
        )
    )
    order = result.orders[-1]

    found = why_of(result.config, order.order_id, result.orders, result.fills)
    given = why_of(result.config, order.order_id, result.orders, result.fills, None, result.panel)

    assert found.as_dict() == given.as_dict() == why(result, order.order_id).as_dict()


def test_a_stage_is_opened_before_it_is_asked(tmp_path):
    (tmp_path / "model.py").write_text(
        "import numpy as np\nfrom flotilla.stage import Window\n\n\nclass Model(Window):\n"
        "    def open(self):\n        self._sign = 1.0\n\n"
        "    def over(self, close):\n        return np.where(close > 0, self._sign, 0.0)\n"
    )
    panel = made_market(seed=11, bars=60, instruments=2)
    strategies = {"model": {"kind": f"{tmp_path / 'model.py'}:Model"}}
    result = run(decode({"name": "study", "strategies": strategies}), panel=panel)

    chain = why(result, result.orders[0].order_id)

    assert chain.signals[0].strength == result.signals["model"][chain.order.bar, index(panel, chain.order)]


def test_an_unknown_order_is_answered_with_the_nearest():
    result = traded(made_market(seed=11, bars=150, instruments=3))
    known = result.orders[0].order_id

    with pytest.raises(UnknownName, match="did you mean"):
        why(result, known[:-1] + "7")


def test_an_order_or_a_fill_may_be_given_itself_or_as_a_row():
    result = traded(made_market(seed=11, bars=150, instruments=3))
    order, fill = result.orders[5], result.fills[5]

    chain = why(result, order.order_id)

    assert why(result, order) == chain
    assert why(result, result.frame_of_orders().row(5, named=True)) == chain
    assert why(result, fill).order.order_id == fill.order_id
    assert why_of(result.config, order, result.orders, result.fills, panel=result.panel).order == order


def test_what_stands_in_the_place_of_another_is_said():
    result = traded(made_market(seed=11, bars=150, instruments=3))
    order = result.orders[5]

    with pytest.raises(ConfigError, match=r"why\(run\(config\), order\), not RunConfig"):
        why(result.config, order)
    with pytest.raises(ConfigError, match="not by 0"):
        why(result, 0)
    with pytest.raises(ConfigError, match=r"folder should be the path.* panel=panel"):
        why(result, order, result.panel)
    with pytest.raises(ConfigError, match=r"of a RunResult, why\(result, order\)"):
        why_of(result, order, result.orders, result.fills)
    with pytest.raises(ConfigError, match=r"lines\(why\(result, order\)\), not Order"):
        lines(order)
