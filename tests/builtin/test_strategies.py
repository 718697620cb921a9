"""Every strategy that ships keeps its promises, and does what its first line says."""

from dataclasses import replace

import numpy as np
import pytest

from flotilla.builtin.strategies.buy_and_hold import buy_and_hold
from flotilla.builtin.strategies.ma_cross import ma_cross
from flotilla.builtin.strategies.momentum import momentum
from flotilla.builtin.strategies.rsi_reversion import rsi_reversion
from flotilla.plugins import find, known
from flotilla.stage.calendar import calendar_fields
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import Column, Node, walk
from flotilla.testing import check_strategy, made_market

NAN = np.nan


@pytest.fixture(scope="module")
def market():
    return made_market(11, bars=400, instruments=8)


def say(market, node):
    """Return a strategy's signals: float64[T, I]."""
    fields = {
        **market.fields,
        **calendar_fields(market.ts_event, market.ts_recv, market.zone, market.shape[1]),
    }
    return ChunkRunner([node], market.shape[1], market.ticks_per_unit).advance(fields)[:, :, 0]


def closes(values):
    """Return a market of one instrument with these closes."""
    market = made_market(gaps=False, bars=len(values), instruments=1)
    return replace(market, fields={**market.fields, "close": np.array(values, float)[:, None]})


@pytest.mark.parametrize("name", sorted(known("strategy")))
def test_a_strategy_keeps_its_promises(name):
    check_strategy(name)


@pytest.mark.parametrize("name", sorted(known("strategy")))
def test_a_strategy_explains_itself_and_all_its_parameters_have_a_default(name):
    plugin = known("strategy")[name]

    assert not plugin.error
    assert plugin.doc.endswith(".")
    assert not [p.name for p in plugin.parameters.values() if p.required]


@pytest.mark.parametrize("name", [n for n, plugin in known("strategy").items() if plugin.parameters])
def test_a_strategy_is_built_once_for_all_values_of_what_is_swept(name):
    parameters = known("strategy")[name].parameters
    swept = {p.name: Column(np.array([p.default, p.default + 1])) for p in parameters.values()}

    tree = find("strategy", name)(**swept)

    assert isinstance(tree, Node)
    found = {id(p) for node in walk([tree]) for p in node.params}
    assert {id(column) for column in swept.values()} <= found


def test_the_crossover_is_long_while_the_fast_mean_is_above_the_slow_one():
    market = closes([3, 2, 1, 2, 3, 4, 3, 2, 1, 1])

    said = say(market, ma_cross(fast=1, slow=3))

    np.testing.assert_array_equal(said[:, 0], [NAN, NAN, 0, 1, 1, 1, 0, 0, 0, 0])


def test_equal_means_are_no_crossover():
    # The means of (0.1, 0.2, 0.3) and (0.2, 0.2) are equal; in floats the first sum is more than 0.6.
    market = closes([0.3, 0.2, 0.1, 0.3, 0.3, 0.0])

    said = say(market, ma_cross(fast=2, slow=3))

    np.testing.assert_array_equal(said[2:, 0], [0, 0, 1, 0])


def test_buying_and_holding_has_one_signal_from_the_first_close_on(market):
    said = say(market, buy_and_hold())

    listed = ~np.isnan(market.fields["close"])
    assert np.all(said[listed] == 1.0)
    assert np.isnan(said[~listed]).all()  # no signal: keep what there is


def test_reversion_is_long_from_oversold_to_the_middle(market):
    strength = say(market, (rsi_reversion(n=5, low=25, high=60)).inputs[0])

    said = say(market, rsi_reversion(n=5, low=25, high=60))

    long = False
    for i in range(market.shape[1]):
        long = False
        for t in range(market.shape[0]):
            value = strength[t, i]
            if np.isnan(value):
                assert np.isnan(said[t, i])
                continue
            long = (long or value < 25) and not value > 60
            assert said[t, i] == long
    assert {0.0, 1.0} <= set(said[~np.isnan(said)])


def test_momentum_decides_on_the_first_bar_of_a_month_and_holds_the_winners(market):
    close = market.fields["close"]
    months = market.ts_event.astype("datetime64[ns]").astype("datetime64[M]")

    said = say(market, momentum(lookback=60, skip=5, top=3))

    begins = np.r_[False, months[1:] != months[:-1]]
    assert np.isnan(said[~begins]).all()
    for t in np.flatnonzero(begins):
        growth = close[t - 5] / close[t - 60] if t >= 60 else np.full(market.shape[1], NAN)
        known = np.flatnonzero(~np.isnan(growth))
        winners = sorted(known, key=lambda i: (-growth[i], i))[:3]
        expected = np.full(market.shape[1], NAN)
        expected[known] = 0.0
        expected[winners] = 1.0
        np.testing.assert_array_equal(said[t], expected)
    assert np.nansum(said) > 10
