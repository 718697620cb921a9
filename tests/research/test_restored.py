"""The most usual portfolios there are, held equal to a loop: equal weights and 60/40, monthly."""

import numpy as np
import pytest
from tests.kernel.worlds import panel_of

from flotilla.config import decode
from flotilla.research import run, sweep, why
from flotilla.research.wording import lines


@pytest.fixture(scope="module")
def panel():
    walk = np.random.default_rng(3).normal(0.0, 0.02, (300, 2)).cumsum(axis=0)
    return panel_of({"close": 50.0 * np.exp(walk)})


def held(panel, weights, restore, band=0.0):
    """Return equity by a loop: buy, then bring back to the weights on the first bar of each month."""
    close = panel.fields["close"]
    months = panel.ts_event.astype("datetime64[ns]").astype("datetime64[M]")
    cash, units, wish, equity = 1e6, np.zeros(2), np.zeros(2), []
    for t in range(len(close)):
        cash, units = cash - wish @ close[t], units + wish
        equity.append(cash + units @ close[t])
        due = t == 0 or (restore and months[t] != months[t - 1])
        far = np.abs(units * close[t] / equity[-1] - weights) >= band
        wish = np.where(due & far, weights * equity[-1] / close[t] - units, 0.0)
    return equity


def config(**portfolio):
    strategies = {"hold": {"kind": "buy_and_hold"}}
    return decode({"name": "mix", "strategies": strategies, "portfolio": {"fee_bps": 0, **portfolio}})


def test_equal_weights_restored_monthly_are_a_line(panel):
    result = run(config(rebalance="month", allocation=0.45), panel=panel)

    np.testing.assert_allclose(result.equity, held(panel, np.array([0.45, 0.45]), True), rtol=1e-12)


def test_sixty_forty_with_a_band_is_a_line(panel):
    parts = dict(zip(panel.instruments, [0.54, 0.36], strict=True))

    result = run(config(rebalance={"every": "month", "band": 0.02}, allocation=parts), panel=panel)

    expected = held(panel, np.array([0.54, 0.36]), True, 0.02)
    np.testing.assert_allclose(result.equity, expected, rtol=1e-12)


def test_bands_are_swept_beside_words(panel):
    axes = {"portfolio.rebalance.every": ["month", "week"], "portfolio.rebalance.band": [0.0, 0.02]}
    study = decode({"name": "mix", "strategies": {"hold": {"kind": "buy_and_hold"}}, "sweep": axes})

    swept = sweep(study, panel=panel)

    for k in range(4):
        row = swept.table.filter(swept.table["portfolio"] == k)
        assert row["final_equity"].item() == run(swept.config_of(k), panel=panel).equity[-1]


def test_why_says_that_a_holding_was_brought_back(panel):
    parts = dict(zip(panel.instruments, [0.54, 0.36], strict=True))
    result = run(config(rebalance="month", allocation=parts), panel=panel)

    first, last = why(result, result.orders[0].order_id), why(result, result.orders[-1].order_id)

    assert first.restored is None
    assert first.weighing.weight == result.orders[0].weight
    assert last.restored is not None
    assert last.restored.every == "month"
    text = "\n".join(lines(last))
    assert "because holdings are brought back to their weights by the calendar (month)" in text
