"""A report says of a result what the result says of itself."""

import json

import numpy as np

from flotilla.config import decode
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
