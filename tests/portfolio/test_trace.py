"""A portfolio that is followed with the fills that it had is the one that was simulated, to the bit."""

import numpy as np
import pytest

from flotilla.config import decode
from flotilla.portfolio.trace import Traced, filling_bar
from flotilla.research import run
from flotilla.testing import made_market


def simulated(**portfolio):
    strategies = {
        "cross": {"kind": "ma_cross", "params": {"fast": 3, "slow": 8}},
        "back": {"kind": "rsi_reversion", "params": {"n": 5}},
    }
    config = decode({"name": "study", "strategies": strategies, "portfolio": portfolio})
    return run(config, panel=made_market(seed=21, bars=150, instruments=4))


def told(result, bar):
    """Return the portfolio of a result as it was at the close of a bar."""
    market, config = result.market, result.config
    before = np.full((market.first, 4), np.nan)
    signals = {name: np.concatenate([before, said]) for name, said in result.signals.items()}
    return Traced(market, config.portfolio, config.weights, signals, result.fills, bar)


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"start": "2000-02-10"},
        {"size_at": "fill", "allocation": 0.8},
        {"slippage_bps": 10, "lot": 3},
        {"max_drawdown": 0.02},
        {"rebalance": {"every": "week", "band": 0.01}},
    ],
    ids=str,
)
def test_what_it_came_to_are_the_bits_that_were_simulated(terms):
    result = simulated(**terms)

    for bar in result.bars[[0, 7, 40, -1]].tolist():
        then, at = told(result, bar), bar - int(result.bars[0])
        weights = [then.weighing(i).weight for i in range(4)]
        held = [then.held(i) for i in range(4)]
        marks = result.market.marks[bar]

        assert then.latch() is not None or weights == result.weights[at].tolist()
        assert held == (result.positions[at] * marks / result.equity[at]).tolist()
        assert [then.before(i) for i in range(4)] == (result.weights[at - 1] if at else np.zeros(4)).tolist()


def test_a_limit_is_hit_once_and_before_it_is_hit_nothing_is_said_of_it():
    assert told(simulated(), 149).latch() is None
    result = simulated(max_drawdown=0.02)
    hit = told(result, 149).latch()

    assert hit is not None
    assert told(result, hit.bar - 1).latch() is None
    assert told(result, hit.bar).latch() == hit
    assert hit.equity == result.equity[hit.bar] <= hit.peak * (1.0 - 0.02)
    assert hit.peak == result.equity[: hit.bar + 1].max() == result.equity[hit.peak_bar]


def test_an_order_fills_on_the_next_bar_that_has_a_price():
    result = simulated()
    fill = result.market.fill

    for order in result.orders:
        i, found = result.panel.instruments.index(order.instrument), filling_bar(result.market, order)
        if found is None:
            assert np.isnan(fill[order.bar + 1 :, i]).all()
        else:
            assert np.isnan(fill[order.bar + 1 : found, i]).all()
            assert not np.isnan(fill[found, i])


@pytest.mark.parametrize("terms", [{"allocation": 0.9}, {"allocation": 0.9, "size_at": "fill"}], ids=str)
def test_a_purchase_says_what_was_asked_and_by_how_much_it_was_cut(terms):
    result, cut = simulated(**terms), 0
    names = result.panel.instruments

    for fill in result.fills:
        i = names.index(fill.instrument)
        bought = told(result, fill.bar - 1).purchase(i, fill.quantity)
        if fill.quantity < 0.0:
            assert bought is None
            continue
        cut += bought.factor < 1.0
        assert bought.asked * bought.factor == pytest.approx(fill.quantity, rel=1e-12)
        assert bought.factor == 1.0 or bought.need > bought.cash
    assert cut > 0


def test_of_what_nobody_asked_for_there_is_no_purchase():
    result = simulated()
    bar = next(b for b in result.bars.tolist() if all(f.bar != b for f in result.fills) and b > 20)

    assert told(result, bar - 1).purchase(0, 0.0) is None
