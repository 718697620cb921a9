"""A report says of a result what the result says of itself."""

import json

import numpy as np
import pytest

from flotilla.config import decode
from flotilla.errors import ConfigError
from flotilla.research import report_data, run, sweep, write_report
from flotilla.testing import made_market

SWEEP = {"cross.fast": [2, 3, 5], "cross.slow": [8, 13]}


def study(sweep=None, **portfolio):
    return decode(
        {
            "name": "study",
            "strategies": {"cross": {"kind": "ma_cross"}},
            "portfolio": portfolio,
            "sweep": sweep or {},
        }
    )


def test_a_report_holds_the_run_its_sweep_and_what_it_is_held_against():
    panel = made_market(seed=3, bars=120, instruments=4)
    swept = sweep(study(SWEEP), panel=panel)
    result = run(swept.config_of(int(swept.table["portfolio"][0])), panel=panel)

    told = report_data(result, swept, command="flotilla report study.yaml")

    np.testing.assert_array_equal(told.equity, result.equity)
    assert told.measures == result.measures
    assert told.sweep is not None
    assert told.sweep.rank_of(told.parameters) == 1
    assert told.benchmark is not None
    assert told.benchmark.shape == result.equity.shape
    assert told.lineage["data"] == panel.identity
    assert told.lineage["sweep"] == swept.identity


def test_what_differs_from_a_default_comes_first_and_a_strategy_of_weight_zero_does_not_speak():
    config = decode({
        "name": "two",
        "strategies": {
            "cross": {"kind": "ma_cross", "params": {"fast": 3, "slow": 9}},
            "quiet": {"kind": "momentum", "weight": 0},
        },
        "portfolio": {"fee_bps": 3},
    })  # fmt: skip

    told = report_data(run(config, panel=made_market(seed=3, bars=120, instruments=4)))

    assert set(told.told) == {"cross.fast", "cross.slow", "quiet.weight", "portfolio.fee_bps"}
    assert set(told.told) < set(told.parameters)
    assert "moving" in told.description or "mean" in told.description
    assert "momentum" not in told.description.lower()
    assert "strongest" not in told.description.lower()


def test_what_is_told_of_instruments_and_trips_adds_up():
    result = run(study(fee_bps=3.0), panel=made_market(seed=3, bars=300, instruments=6))

    told = report_data(result, benchmark=result.panel.instruments[1])

    earned = result.equity[-1] - 1e6
    assert abs(sum(part.profit for part in told.contributions) - earned) < 1e-6
    assert abs(sum(t.profit for t in (*told.trips.closed, *told.trips.open)) - earned) < 1e-3
    assert told.statistics["trips"] == len(told.trips.closed)
    assert told.benchmark_name == result.panel.instruments[1]
    assert len(told.prices) == 4
    assert set(told.benchmark_statistics) < set(told.statistics)


def test_a_report_is_written_with_its_numbers_beside_it(tmp_path):
    panel = made_market(seed=4, bars=80, instruments=3)
    result = run(study(fee_bps=3.0), panel=panel)

    page, numbers = write_report(report_data(result), tmp_path)

    assert "study" in page.read_text(encoding="utf-8")
    assert json.loads(numbers.read_text(encoding="utf-8"))["measures"]["final_equity"] == result.equity[-1]


def test_the_samples_survivors_are_warned_of_only_where_it_was_used():
    panel = made_market(seed=4, bars=80, instruments=3)
    result = run(study(), panel=panel)

    told = report_data(result)

    assert any(what == "Survivorship" for what, _ in told.not_modelled) == (
        result.config.data.source == "sample" and panel.name == "sample"
    )


def test_a_report_is_of_a_result():
    panel = made_market(seed=3, bars=120, instruments=4)
    swept = sweep(study(SWEEP), panel=panel)

    with pytest.raises(ConfigError, match=r"not SweepResult.*report_data\(swept\.result\(0\), swept\)"):
        report_data(swept)
    with pytest.raises(ConfigError, match=r"needs a RunResult.* not RunConfig"):
        report_data(study())
    with pytest.raises(ConfigError, match="swept should be the SweepResult"):
        report_data(swept.result(0), study())
