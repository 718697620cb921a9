"""From Python: a frame in, a function as the strategy, results out as frames."""

from datetime import date
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest

from flotilla.errors import ConfigError
from flotilla.research import configure, panel_from, run, sweep
from flotilla.stage import Node, OnBar, Window, close, sma
from flotilla.testing import made_market


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


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: configure(3), "a strategy is a function, a class, an expression or a name; it is 3"),
        (lambda: configure([]), "strategies: there is none"),
        (lambda: configure({"X y": above}), "'X y' should be a letter"),
        (lambda: configure([above, "ma_cross"], params={"n": 3}), r"no strategy \(params\) is called 'n'"),
        (lambda: configure([above, above], sweep={"n": [3]}), "say which: above.n or above-2.n"),
        (
            lambda: configure(above, sweep={"nn": [3]}),
            r"no parameter of .*above is called 'nn'; did you mean n",
        ),
        (lambda: configure(above, start=pd.Timestamp("2020-01-01 10:00")), "is a time of the day"),
        (
            lambda: configure(above, sweep={"n": [3, 4.5]}),
            r"n of .*above: Expected `int`, got `float`, it is 4.5",
        ),
        (lambda: run("ma_cros"), "no file, and no strategy, is called 'ma_cros'; did you mean ma_cross"),
        (lambda: run("study.yml"), "study.yml cannot be read: No such file"),
        (lambda: run("ma_cross", pannel=3), r"pannel is no parameter of a strategy.*did you mean panel"),
        (lambda: run(configure(above), fee_bps=3), "fee_bps: a configuration says that itself"),
        (lambda: configure(above, sweep={"n": 3}), "sweep of 'n' needs a list of values, it is 3"),
        (lambda: configure(above, sweep={"n": "345"}), "sweep of 'n' needs a list of values, it is '345'"),
        (lambda: configure(above, params=3), "params should be names and values, .* it is 3"),
        (lambda: run(3), "what is run is a configuration, its path or a strategy, not 3"),
        (lambda: sweep(configure(above, sweep={"n": [3]}), workers=0), "workers should be 1 or more"),
    ],
)
def test_what_a_notebook_gets_wrong_is_told_as_a_mistake_of_the_configuration(call, said):
    with pytest.raises(ConfigError, match=said):
        call()


def test_a_frame_is_no_panel_and_a_portfolio_that_is_not_there_has_no_configuration(prices):
    swept = sweep(configure(above, sweep={"n": [3, 5]}), panel=panel_from(prices))

    with pytest.raises(ConfigError, match=r"give panel=panel_from\(frame\)"):
        run(configure(above), panel=prices)
    with pytest.raises(ConfigError, match="there is no portfolio 2: study has 0 to 1"):
        swept.config_of(2)


class Half(Window):
    lookback = 1

    def __init__(self, weight: float = 0.5):
        self.weight = weight

    def over(self, close):
        return np.full(close.shape, self.weight)


def kinds(config):
    return {name: (strategy.params, strategy.weight) for name, strategy in config.strategies.items()}


@pytest.mark.parametrize(
    ("strategy", "more", "expected"),
    [
        ([above, "ma_cross"], {}, {"above": ({}, 1.0), "ma_cross": ({}, 1.0)}),
        ([(above, {"n": 3}), (above, {"n": 9})], {}, {"above": ({"n": 3}, 1.0), "above-2": ({"n": 9}, 1.0)}),
        (
            {"x": above, "y": (above, {"n": np.int64(7)})},
            {"params": {"x": {"n": 3}}, "weights": {"y": 2}},
            {"x": ({"n": 3}, 1.0), "y": ({"n": 7}, 2.0)},
        ),
        ({"x": {"kind": above, "weight": 3, "params": {"n": 4.0}}}, {}, {"x": ({"n": 4}, 3.0)}),
        (partial(above, 4), {}, {"strategy": ({"n": 4}, 1.0)}),
        (partial(above, n=4), {"params": {"n": 5}}, {"strategy": ({"n": 5}, 1.0)}),
        ((above, {"n": 4}), {}, {"strategy": ({"n": 4}, 1.0)}),
        (Half, {"params": {"weight": np.float64(0.25)}}, {"strategy": ({"weight": 0.25}, 1.0)}),
        ([Half, lambda: close > 3], {}, {"half": ({}, 1.0), "strategy": ({}, 1.0)}),
    ],
    ids=["list", "pairs", "dict", "as in a file", "bound", "bound by name", "pair", "class", "lambda"],
)
def test_strategies_are_taken_as_they_are_typed(strategy, more, expected, prices):
    study = configure(strategy, **more)

    assert kinds(study) == expected
    assert run(study, panel=panel_from(prices)).equity.shape == (120,)


def test_several_strategies_come_to_what_a_file_of_them_does(prices):
    panel = panel_from(prices)
    together = run(configure({"x": (above, {"n": 3}), "y": "ma_cross"}, weights={"y": 3}), panel=panel)

    mean = (together.signals["x"] + 3.0 * together.signals["y"]) / 4.0
    both = ~np.isnan(mean)

    assert both.any()
    np.testing.assert_array_equal(together.weights[both], np.clip(mean[both] * 0.5, 0.0, 1.0))


@pytest.mark.parametrize(
    "strategy",
    [lambda: close > sma(close, 4), close > sma(close, 4), partial(above, 4)],
    ids=["lambda", "expression", "bound"],
)
def test_the_same_strategy_however_it_is_typed_is_the_same_bits(strategy, prices):
    panel = panel_from(prices)

    assert (
        run(strategy, panel=panel).equity.tolist() == run(above, params={"n": 4}, panel=panel).equity.tolist()
    )


def test_a_stage_is_a_strategy_as_it_is_built(prices):
    panel = panel_from(prices)

    assert run(Half(0.25), panel=panel).weights[-1].tolist() == [0.125, 0.125]
    assert run(Half, params={"weight": 0.25}, panel=panel).weights[-1].tolist() == [0.125, 0.125]


@pytest.mark.parametrize(
    "axis", [np.linspace(3, 9, 3), range(3, 10, 3), np.arange(3, 10, 3), pd.Index([3, 6, 9])]
)
def test_an_axis_of_whole_numbers_is_of_ints_however_it_is_typed(axis, prices):
    swept = sweep(above, sweep={"n": axis, "fee_bps": pd.Series([0, 5])}, panel=panel_from(prices))

    assert swept.axes == {"strategy.n": (3, 6, 9), "portfolio.fee_bps": (0, 5)}


@pytest.mark.parametrize(
    "start", [pd.Timestamp("2021-02-01"), np.datetime64("2021-02-01"), date(2021, 2, 1), "2021-02-01"]
)
def test_a_day_is_a_day_however_it_is_typed(start, prices):
    study = configure(above, start=start, data={"start": start})

    assert (study.portfolio.start, study.data.start) == (date(2021, 2, 1), date(2021, 2, 1))


def test_a_list_of_portfolios_may_be_dicts_or_the_best_of_another_sweep(prices):
    panel = panel_from(prices)
    columns = sweep(above, panel=panel, portfolios={"strategy.n": [3, 8], "portfolio.fee_bps": [5, 0]})
    dicts = sweep(above, panel=panel, portfolios=[{"n": 3.0, "fee_bps": 5}, {"n": np.int64(8), "fee_bps": 0}])
    again = sweep(above, panel=panel, portfolios=columns.best(1))

    assert dicts.table.equals(columns.table)
    assert again.table["final_equity"].to_list() == columns.table["final_equity"].to_list()[:1]


def test_a_function_that_was_typed_anew_is_the_one_that_was_given(prices):
    def strategy(n=3):
        return close > sma(close, n)

    first, before = configure(strategy), strategy

    def strategy(n=9):
        return close > sma(close, n)

    panel = panel_from(prices)
    assert run(first, panel=panel).equity.tolist() == run(before, panel=panel).equity.tolist()
    assert run(first, panel=panel).equity.tolist() != run(strategy, panel=panel).equity.tolist()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"fast": 5}, r"fast is no parameter of a strategy and no term of the portfolio \(above takes n\)$"),
        ({"n": 5}, r"n is a parameter of above: write params=\{'n': 5\}"),
        ({"n": [5, 6]}, r"n is a parameter of above: write sweep=\{'n': \[\.\.\.\]\}"),
        ({"fee": 5}, r"did you mean fee_bps\?"),
        ({"end": "2018-01-01"}, r"write data=\{'end': '2018-01-01'\}"),
        ({"df": pd.DataFrame({"a": [1.0]})}, r"panel=panel_from\(frame\)"),
        ({"portfolio": {"fee_bps": 5}}, "as fee_bps=5"),
        ({"params": pd.DataFrame({"a": [1.0]})}, r"it is a DataFrame.*panel=panel_from\(frame\)"),
    ],
)
def test_a_keyword_that_is_none_says_where_it_belongs(wrong, told):
    with pytest.raises(ConfigError, match=told):
        configure(above, **wrong)


def test_bars_come_second_and_a_frame_is_sent_to_its_door():
    panel = made_market(seed=3, bars=60, instruments=2)
    frame = panel.pandas()

    assert run(above, panel).equity.tolist() == run(above, panel=panel).equity.tolist()
    assert sweep(above, panel, sweep={"n": [3, 4]}).table.height == 2
    for asked in (run, sweep):
        with pytest.raises(ConfigError, match=r"of 60 by 10: give panel=panel_from\(frame\)"):
            asked(above, frame)
        with pytest.raises(ConfigError, match=r"given by name: params=\{'n': 3\}"):
            asked(above, {"n": 3})
        with pytest.raises(ConfigError, match=r"bars come second: run\(strategy, panel_from\(frame\)\)"):
            asked(frame)
        with pytest.raises(ConfigError, match="store should be a Store"):
            asked(above, panel, store="here")
    with pytest.raises(ConfigError, match=r"run\(result\.config\) does it again"):
        run(run(above, panel))
    assert configure(above, {"n": 3}).strategies["strategy"].params == {"n": 3}


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (1.0, r"lambda: strategy 'strategy' gave float.*where\(notna\(close\), 1, 0\)"),
        (None, "returns nothing"),
        ("close", r'field\("close"\)'),
        (OnBar, r"return OnBar\(\)"),
        (np.ones(3), "a Window is handed arrays"),
        ([1], "given to configure"),
        (len, "call it"),
    ],
)
def test_a_strategy_that_gives_no_signal_is_told_what_would_be_one(made, told):
    with pytest.raises(ConfigError, match=told):
        run(lambda: made, panel=made_market(seed=3, bars=60, instruments=2))
