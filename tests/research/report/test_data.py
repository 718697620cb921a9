import math

import numpy as np
import polars as pl
import pytest

from flotilla.errors import DataError
from flotilla.research.report import SweepData
from flotilla.research.report.data import ReportData

TWO = np.array([1, 2])


def report(**otherwise):
    values = {"name": "x", "identity": "", "created_ns": 0, "ts": TWO, "equity": np.ones(2), "measures": {}}
    return ReportData(**{**values, **otherwise})


@pytest.mark.parametrize(
    ("otherwise", "message"),
    [
        ({"ts": np.array([], np.int64), "equity": np.array([])}, "at least one row"),
        ({"ts": np.array([2, 1])}, "do not rise"),
        ({"ts": np.array([1, 1])}, "do not rise"),
        ({"equity": np.ones(3)}, "equity has the shape"),
        ({"benchmark": np.ones((2, 1))}, "benchmark has the shape"),
        ({"exposure": np.full(2, math.nan)}, "exposure has no value"),
        ({"equity": np.full(2, math.nan)}, "equity has no value"),
        ({"equity": np.array([0.0, 1.0])}, "begins at 0 or below"),
    ],
)
def test_what_cannot_be_drawn_is_refused(otherwise, message):
    with pytest.raises(DataError, match=message):
        report(**otherwise)


def test_a_portfolio_may_begin_without_a_holding():
    assert report(exposure=np.array([0.0, 0.5])).exposure is not None


def test_a_measure_that_nobody_defined_keeps_its_name():
    assert report().measure("moonshine").title == "moonshine"


def test_the_value_traded_is_added_up_by_row(made):
    data = made(rows=3)

    assert data.traded().tolist() == [500.0, 0.0, 600.0]
    assert made(rows=3, fills=()).traded().tolist() == [0.0, 0.0, 0.0]


def test_a_sweep_without_its_columns_or_rows_is_refused():
    table = pl.DataFrame({"a": [1], "sharpe": [0.5]})

    with pytest.raises(DataError, match="no column b, calmar"):
        SweepData({"b": [1]}, table, "calmar")
    with pytest.raises(DataError, match="empty"):
        SweepData({"a": [1]}, table.clear(), "sharpe")


def test_a_portfolio_is_found_in_its_sweep_by_its_parameters(made):
    sweep = made().sweep

    assert sweep.rank_of({"cross.fast": 4, "cross.slow": 30, "fee": 10}) == 1
    assert sweep.rank_of({"cross.fast": 2, "cross.slow": 10}) == 9
    assert sweep.rank_of({"cross.fast": 5, "cross.slow": 10}) is None
    assert sweep.rank_of({"cross.fast": 4}) is None
