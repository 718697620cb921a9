"""From Python: a frame in, a function as the strategy, results out as frames."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from flotilla.errors import ConfigError
from flotilla.research import configure, panel_from, run, sweep
from flotilla.stage import Node, close, sma


def above(n: int = 5) -> Node:
    """Long above the mean of the last n closes."""
    return close > sma(close, n)


@pytest.fixture
def prices():
    rng = np.random.default_rng(8)
    days = pd.bdate_range("2021-01-04", periods=120)
    walk = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.01, (120, 2)), axis=0)), 2)
    return pd.DataFrame(walk, index=days, columns=["A", "B"])


def test_pandas_and_polars_frames_come_to_the_same_bits(prices):
    wide = pl.from_pandas(prices.reset_index(names="date")).with_columns(pl.col("date").cast(pl.Date))

    one = run(configure("ma_cross", params={"fast": 3, "slow": 9}), panel=panel_from(prices))
    two = run(configure("ma_cross", params={"fast": 3, "slow": 9}), panel=panel_from(wide))

    np.testing.assert_array_equal(one.equity, two.equity)
    assert one.fills == two.fills
    assert one.frame().height == 120
    assert one.frame_of_fills().height == len(one.fills)


def test_a_function_is_a_strategy_and_its_parameters_are_swept(prices):
    panel = panel_from(prices)

    swept = sweep(configure(above, sweep={"n": [3, 5, 8], "portfolio.fee_bps": [0, 10]}), panel=panel)

    best = swept.best(1)
    alone = run(swept.config_of(int(best["portfolio"][0])), panel=panel)
    assert swept.table.height == 6
    assert alone.measures["final_equity"] == best["final_equity"][0]


def test_a_term_that_no_portfolio_has_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="fee_bps"):
        configure("ma_cross", fee_bp=5)


def test_an_option_that_a_frame_has_not_is_refused_with_the_nearest(prices):
    with pytest.raises(ConfigError, match="tick"):
        panel_from(prices, tik=0.01)


def leaning(cap: float = 0.5, weight: float = 1.0) -> Node:
    """Take parameters that are called as terms of ours."""
    return (close > 0) * cap * weight


def test_a_parameter_called_as_a_term_of_the_portfolio_is_asked_about():
    with pytest.raises(ConfigError, match=r"cap is a term of the portfolio, and a parameter .*params={'cap'"):
        configure(leaning, cap=0.2)

    for config in (
        configure(leaning, cap=0.2, params={"cap": 0.5}),
        configure(leaning, cap=0.2, sweep={"cap": [0.5]}),
    ):
        assert config.portfolio.cap == 0.2
    assert configure(leaning, params={"cap": 0.2}).portfolio.cap == 1.0
    assert configure(above, cap=0.2).portfolio.cap == 0.2


def test_a_sweep_of_a_parameter_called_weight_is_not_one_of_the_weights():
    with pytest.raises(ConfigError, match="weight in the mean of all strategies"):
        configure(leaning, sweep={"weight": [0.5, 1.0]})


def inner():
    def strategy():
        return close > 3

    return strategy


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: configure(lambda n=3: close > n), "a lambda cannot be found again by its name"),
        (lambda: configure(inner()), "at the top of a module or a cell"),
        (lambda: configure(above, sweep={"n": 3}), "sweep of 'n' needs a list of values, it is 3"),
        (lambda: configure(above, sweep={"n": "345"}), "sweep of 'n' needs a list of values, it is '345'"),
        (lambda: configure(above, params=3), "params should be names and values, .* it is 3"),
        (lambda: run(3), "what is run is a configuration or its path, not a int"),
        (lambda: sweep(configure(above, sweep={"n": [3]}), workers=0), "workers should be 1 or more"),
    ],
)
def test_what_a_notebook_gets_wrong_is_told_as_a_mistake_of_the_configuration(call, said):
    with pytest.raises(ConfigError, match=said):
        call()


def test_a_frame_is_no_panel_and_a_portfolio_that_is_not_there_has_no_configuration(prices):
    swept = sweep(configure(above, sweep={"n": [3, 5]}), panel=panel_from(prices))

    with pytest.raises(ConfigError, match=r"give panel_from\(frame\)"):
        run(configure(above), panel=prices)
    with pytest.raises(ConfigError, match="there is no portfolio 2: study has 0 to 1"):
        swept.config_of(2)
