"""What a portfolio owns follows from its fills alone, and no rounding is swept away anywhere."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kernel.worlds import FOLDER, configs, worlds

from flotilla.kernel.book import cash_after, drawdown_of, worth
from flotilla.kernel.fill import fee_of
from flotilla.research import run

SOME = settings(max_examples=50)


@st.composite
def runs(draw):
    world = draw(worlds())
    return run(draw(configs(world)), panel=world.panel, folder=FOLDER)


def of_bars(result):
    """Return the fills of each bar that was simulated."""
    return [[f for f in result.fills if f.bar == bar] for bar in result.bars.tolist()]


@SOME
@given(runs())
def test_cash_is_the_start_and_the_fills_and_below_zero_by_a_rounding_at_most(result):
    cash, expected = result.config.portfolio.cash, []
    for fills in of_bars(result):
        for f in fills:
            cash = cash_after(cash, f.quantity, f.price, f.fee)
        expected.append(cash)

    assert result.cash.tolist() == expected
    assert min(expected) >= -1e-14 * max(result.equity)


@SOME
@given(runs())
def test_positions_are_the_sums_of_the_fills_and_never_short(result):
    lot = Fraction(str(result.config.portfolio.lot))
    position, expected = dict.fromkeys(result.panel.instruments, 0.0), []
    for fills in of_bars(result):
        for f in fills:
            held = position[f.instrument] + f.quantity
            # A sum of lots is a number of lots, too, whatever it is in binary.
            position[f.instrument] = float(round(Fraction(held) / lot) * lot) if lot else held
        expected.append(list(position.values()))

    assert result.positions.tolist() == expected
    assert result.positions.min() >= 0.0


@SOME
@given(runs())
def test_equity_is_cash_and_holdings_at_the_last_known_closes(result):
    mark, expected = dict.fromkeys(result.panel.instruments, 0.0), []
    closes = dict(zip(result.panel.instruments, result.panel.fields["close"].T, strict=True))
    for k, bar in enumerate(result.bars.tolist()):
        mark |= {name: close[bar] for name, close in closes.items() if close[bar] == close[bar]}
        equity = result.cash[k]
        for held, price in zip(result.positions[k], mark.values(), strict=True):
            equity += worth(held, price)
        expected.append(equity)

    assert result.equity.tolist() == expected


@SOME
@given(runs())
def test_fees_are_of_the_fills_and_add_up(result):
    rate = result.config.portfolio.fee_bps * 1e-4

    assert [f.fee for f in result.fills] == [fee_of(f.quantity, f.price, rate) for f in result.fills]
    assert np.isclose(result.measures["fees"], sum(f.fee for f in result.fills), rtol=1e-12)
    assert result.measures["orders"] == len(result.fills)


@SOME
@given(runs())
def test_no_weight_is_above_its_cap_nor_below_zero(result):
    cap = np.minimum(result.config.portfolio.cap, result.market.cap[result.bars])
    priced = ~np.isnan(result.market.close[result.bars])

    assert result.weights.min() >= 0.0
    assert (result.weights <= cap)[priced].all()


@SOME
@given(runs())
def test_fills_are_at_prices_that_were_there_sells_first(result):
    terms = result.config.portfolio
    for fills in of_bars(result):
        sides = [f.quantity > 0.0 for f in fills]
        assert sides == sorted(sides)
        for f in fills:
            price = result.market.fill[f.bar, result.panel.instruments.index(f.instrument)]
            slip = terms.slippage_bps * 1e-4
            assert f.price == price * (1.0 + slip if f.quantity > 0.0 else 1.0 - slip)


@SOME
@given(runs())
def test_quantities_are_whole_lots_whatever_the_cash(result):
    lot = result.config.portfolio.lot
    if lot:
        for units in [*(f.quantity for f in result.fills), *result.positions.flat]:
            lots = round(Decimal(units) / Decimal(str(lot)))
            assert units == float(lots * Decimal(str(lot)))


@SOME
@given(runs())
def test_nothing_is_decided_without_a_close(result):
    closes = result.market.close

    assert all(closes[o.bar, result.panel.instruments.index(o.instrument)] > 0.0 for o in result.orders)


@SOME
@given(runs())
def test_after_the_drawdown_limit_what_trades_is_sold_and_stays_sold(result):
    limit = result.config.portfolio.max_drawdown
    peak = np.maximum.accumulate(np.maximum(result.equity, result.config.portfolio.cash))
    hit = np.flatnonzero(result.equity <= peak * (1.0 - limit)) if limit is not None else []
    if len(hit) == 0:
        return
    for i in range(result.positions.shape[1]):
        decided = [k for k in range(hit[0], len(result.bars)) if result.market.close[result.bars[k], i] > 0.0]
        if not decided:
            continue
        sold = [
            k for k in range(decided[0] + 1, len(result.bars)) if result.market.fill[result.bars[k], i] > 0.0
        ]
        after = result.positions[sold[0] :, i] if sold else []
        assert list(after) == [0.0] * len(after)


def test_a_fall_is_a_fraction_of_the_peak():
    assert drawdown_of(75.0, 100.0) == 0.25
    assert drawdown_of(100.0, 100.0) == 0.0
