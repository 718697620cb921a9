"""Figures hold the numbers of the result, and nothing else."""

import numpy as np
import pytest

from flotilla.config import decode
from flotilla.errors import ConfigError
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


def test_a_map_of_one_axis_is_refused():
    panel = made_market(seed=5, bars=60, instruments=3)
    swept = sweep(study(**{"cross.fast": [2, 3]}), panel=panel)

    with pytest.raises(ConfigError, match="needs two swept parameters"):
        plot_sweep(swept)
