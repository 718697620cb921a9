"""Figures hold the numbers of the result, and nothing else."""

import numpy as np
import polars as pl
import pytest

from flotilla.config import decode
from flotilla.errors import ConfigError, UnknownName
from flotilla.research import run, sweep
from flotilla.research.plot import plot_run, plot_sweep
from flotilla.testing import made_market


def study(**sweep_axes):
    return decode(
        {
            "name": "study",
            "strategies": {"cross": {"kind": "ma_cross", "params": {"fast": 3, "slow": 9}}},
            "sweep": sweep_axes,
        }
    )


def test_a_run_is_drawn_as_it_was():
    panel = made_market(seed=5, bars=60, instruments=3)
    result = run(study(), panel=panel)

    figure = plot_run(result, beside=result)

    assert len(figure.data) == 4
    np.testing.assert_array_equal(figure.data[-2].y, result.equity)
    assert min(figure.data[-1].y) == -result.measures["max_drawdown"]


def test_a_sweep_is_a_map_of_its_measure():
    panel = made_market(seed=5, bars=60, instruments=3)
    swept = sweep(study(**{"cross.fast": [2, 3], "cross.slow": [8, 9, 12]}), panel=panel)

    heat = plot_sweep(swept).data[0]

    assert heat.z.shape == (2, 3)
    cell = swept.table.filter((swept.table["cross.fast"] == 3) & (swept.table["cross.slow"] == 12))
    assert heat.z[1][2] == cell["sharpe"][0]


def test_one_axis_is_a_line_and_none_is_refused():
    panel = made_market(seed=5, bars=60, instruments=3)
    swept = sweep(study(**{"cross.fast": [3, 2]}), panel=panel)

    line = plot_sweep(swept, "fast").data[0]

    assert list(line.x) == [2, 3]
    assert list(line.y) == swept.table.sort("cross.fast")["sharpe"].to_list()
    with pytest.raises(ConfigError, match="needs a swept parameter"):
        plot_sweep(sweep(study(), panel=panel))


def test_an_axis_is_called_by_its_key_or_by_the_parameter_alone():
    panel = made_market(seed=5, bars=60, instruments=3)
    axes = {"cross.fast": [2, 3], "cross.slow": [8, 9], "portfolio.rebalance": ["change", "month"]}
    swept = sweep(study(**axes), panel=panel)

    figure = plot_sweep(swept, "slow", "portfolio.rebalance")

    assert list(figure.data[0].x) == [8, 9]
    assert list(figure.data[0].y) == ["change", "month"]
    best = swept.table.filter((pl.col("cross.slow") == 9) & (pl.col("portfolio.rebalance") == "month"))
    assert figure.data[0].z[1][1] == best["sharpe"].max()
    assert plot_sweep(swept, "fast").layout.xaxis.title.text == "cross.fast"
    with pytest.raises(UnknownName, match="no axis of the sweep is called 'fats'; there is cross"):
        plot_sweep(swept, "fats")
    with pytest.raises(ConfigError, match=r"not over cross\.fast twice"):
        plot_sweep(swept, "fast", "cross.fast")


def test_a_run_is_drawn_beside_an_instrument():
    panel = made_market(seed=5, bars=60, instruments=3)
    result = run(study(), panel=panel)
    name = panel.instruments[1]

    figure = plot_run(result, name)

    close = panel.fields["close"][:, 1]
    assert figure.data[0].name == name
    np.testing.assert_allclose(figure.data[0].y[-1], 1e6 * close[-1] / close[0], rtol=1e-12)
