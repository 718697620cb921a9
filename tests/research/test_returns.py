"""Statistics of returns are those that pandas and the formulas of empyrical give."""

from math import isnan

import numpy as np
import pandas as pd
import pytest

from flotilla.research.returns import (
    deviation_of,
    expected_shortfall,
    kurtosis,
    returns_of,
    returns_stats,
    rolling,
    skew,
    sortino,
    value_at_risk,
)

DAY = 86_400_000_000_000
HAND = np.array([0.02, -0.01, 0.03, -0.04, 0.0])


def curve(seed=1, days=600):
    rng = np.random.default_rng(seed)
    return 1e6 * np.cumprod(1.0 + 0.01 * rng.standard_t(4, days))


def test_returns_are_those_of_each_bar_on_the_bar_before():
    assert returns_of(np.array([100.0, 110.0, 99.0])) == pytest.approx([0.1, -0.1])


def test_the_sortino_ratio_counts_every_bar_and_only_falls_as_risk():
    downside = np.sqrt((0.01**2 + 0.04**2) / 5)

    assert sortino(HAND, 252.0) == pytest.approx(0.0 / downside)
    assert sortino(HAND + 0.01, 4.0) == pytest.approx(0.01 / np.sqrt(0.03**2 / 5) * 2.0)
    assert isnan(sortino(np.array([0.01, 0.02]), 252.0))


def test_value_at_risk_and_shortfall_are_losses_of_the_worst_twentieth():
    r = np.arange(1, 101) / 100.0 - 0.5  # -0.49 to 0.50; the 5th percentile lies at place 4.95

    assert value_at_risk(r) == pytest.approx(0.4405)
    assert expected_shortfall(r) == pytest.approx((0.49 + 0.48 + 0.47 + 0.46 + 0.45) / 5)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_tails_and_moments_are_those_of_pandas(seed):
    r = returns_of(curve(seed))
    told = pd.Series(r)

    assert value_at_risk(r) == pytest.approx(-told.quantile(0.05), rel=1e-12)
    assert expected_shortfall(r) == pytest.approx(-told[told <= told.quantile(0.05)].mean(), rel=1e-12)
    assert skew(r) == pytest.approx(told.skew(), rel=1e-9)
    assert kurtosis(r) == pytest.approx(told.kurt(), rel=1e-9)
    assert deviation_of(r) == pytest.approx(told.std(), rel=1e-12)


def test_days_and_months_are_the_calendar_s():
    days = pd.bdate_range("2020-01-01", periods=600)
    equity = pd.Series(curve(), days)

    told = returns_stats(
        np.asarray(days.as_unit("ns"), "datetime64[ns]").astype(np.int64), equity.to_numpy(), 252.0
    )

    daily = equity.pct_change().dropna()
    ends = equity.groupby(days.to_period("M")).last()
    monthly = ends / ends.shift(fill_value=equity.iloc[0]) - 1.0
    assert told["best_day"] == pytest.approx(daily.max())
    assert told["worst_day"] == pytest.approx(daily.min())
    assert told["best_month"] == pytest.approx(monthly.max())
    assert told["worst_month"] == pytest.approx(monthly.min())
    assert told["gaining_bars"] == (daily > 0).mean()


def test_hours_make_days_and_months_make_none():
    hours = np.arange(48) * DAY // 24
    months = np.arange("2020-01", "2021-01", dtype="datetime64[M]").astype("datetime64[ns]").astype(np.int64)
    rise = np.r_[np.full(24, 100.0), np.full(24, 110.0)]

    by_hour, by_month = returns_stats(hours, rise, 8760.0), returns_stats(months, np.arange(12.0) + 1, 12.0)

    assert by_hour["best_day"] == pytest.approx(0.1)
    assert by_hour["worst_day"] == 0.0
    assert isnan(by_month["best_day"])
    assert by_month["best_month"] == 1.0


def test_nothing_to_tell_is_not_a_number():
    told = returns_stats(np.arange(1), np.ones(1), 252.0)

    assert all(isnan(value) for value in told.values())
    assert isnan(skew(np.full(9, 0.1)))
    assert isnan(kurtosis(HAND[:3]))


def test_rolling_statistics_are_those_of_each_window():
    r = returns_of(curve())

    found = rolling(r, 126, 252.0)

    told = pd.Series(r).rolling(126)
    assert found.volatility == pytest.approx((told.std() * np.sqrt(252)).to_numpy(), nan_ok=True, rel=1e-9)
    assert found.sharpe == pytest.approx((told.mean() / told.std() * np.sqrt(252)).to_numpy(), nan_ok=True)


def test_a_window_without_scatter_has_no_sharpe_ratio_and_a_long_one_is_not_there():
    r = np.r_[np.full(20, 0.01), np.tile([0.02, -0.01], 10)]

    found = rolling(r, 5, 252.0)

    assert np.isnan(found.sharpe[4:20]).all()
    assert (found.volatility[4:20] == 0.0).all()
    assert np.isfinite(found.sharpe[20:]).all()
    assert np.isnan(rolling(r, 41, 252.0).volatility).all()
