"""From the units people write to those of the kernel."""

import numpy as np
import pytest

from flotilla.config import at, decode
from flotilla.errors import ConfigError
from flotilla.kernel.records import PARAM
from flotilla.model.terms import PortfolioConfig, Rebalance
from flotilla.portfolio.params import allocation_parts, lots_of, params_of


def one(**terms):
    """Return the parameters of one portfolio of four instruments."""
    return params_of(PortfolioConfig(**terms), 4)[:, 0]


def test_basis_points_are_fractions_and_the_rest_is_as_it_is_written():
    params = one(fee_bps=10.0, slippage_bps=5.0, lot=3.0, cash=7.0)

    told = [params[row] for row in (PARAM.fee, PARAM.slippage, PARAM.lot, PARAM.cash)]
    assert told == [10.0 * 1e-4, 5.0 * 1e-4, 3.0, 7.0]


def test_no_allocation_is_an_equal_part_and_no_drawdown_limit_is_none():
    params = params_of(PortfolioConfig(), 4, 2)

    assert params[PARAM.allocation].tolist() == [0.25, 0.25]
    assert params[PARAM.max_drawdown].tolist() == [np.inf, np.inf]


def test_each_portfolio_may_have_its_own():
    swept = {"fee_bps": np.array([0, 10]), "allocation": np.array([None, 0.5], object)}

    params = params_of(PortfolioConfig(), 4, 2, swept)

    assert params[PARAM.fee].tolist() == [0.0, 10.0 * 1e-4]
    assert params[PARAM.allocation].tolist() == [0.25, 0.5]
    assert params[PARAM.cap].tolist() == [1.0, 1.0]


def test_a_column_is_the_terms_of_each_portfolio_alone():
    fees = [0.0, 1.0, 3.3, 7.7, 9_999.0]
    config = decode({"name": "one", "strategies": {"s": {"kind": "ma_cross"}}})

    together = params_of(PortfolioConfig(), 3, len(fees), {"fee_bps": np.array(fees)})

    alone = [at(config, {"portfolio.fee_bps": fee}).portfolio for fee in fees]
    single = [params_of(p, 3)[PARAM.fee, 0] for p in alone]
    assert together[PARAM.fee].tolist() == single


def test_a_lot_is_the_decimal_that_is_written():
    lot, per = lots_of(np.array([0.1, 0.025, 1e-5, 5.0, 0.0, 100.0, 1 / 3]))

    assert lot.tolist() == [1.0, 25.0, 1.0, 5.0, 0.0, 100.0, 1 / 3]
    assert per.tolist() == [10.0, 1000.0, 1e5, 1.0, 1.0, 1.0, 1.0]


def test_an_allocation_by_name_is_for_every_instrument_and_no_other():
    assert allocation_parts({"B": 0.4, "A": 0.6}, ["A", "B"]).tolist() == [0.6, 0.4]
    assert allocation_parts(0.5, ["A", "B"]).tolist() == [1.0, 1.0]
    with pytest.raises(ConfigError, match="the data has no 'Bee'"):
        allocation_parts({"A": 0.6, "Bee": 0.4}, ["A", "B"])
    with pytest.raises(ConfigError, match="say what B may weigh, too"):
        allocation_parts({"A": 0.6}, ["A", "B"])


def test_a_calendar_does_not_restore_what_rounding_moved():
    bands = [one(rebalance=every)[PARAM.band] for every in ("change", "bar", "month")]

    assert bands == [0.0, 0.0, 2.0**-40]
    assert one(rebalance=Rebalance("month", 0.05))[PARAM.band] == 0.05
