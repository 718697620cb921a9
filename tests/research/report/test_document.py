import json
import math

import numpy as np
import polars as pl
from tests.research.report.conftest import ns

from flotilla.research.periods import drawdown, returns_by
from flotilla.research.report import SweepData
from flotilla.research.report.document import FORMAT, document
from flotilla.research.report.sections import explored


def strict(text):
    """Read JSON as its standard has it: NaN and Infinity are not in it."""

    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def read(data):
    return strict(document(data, explored(data)))


def test_every_row_of_the_curves_is_there_to_the_last_bit(made):
    data = made()

    curves = read(data)["curves"]

    assert curves["equity"] == data.equity.tolist()
    assert curves["benchmark"] == data.benchmark.tolist()
    assert curves["drawdown"] == drawdown(data.equity).tolist()
    assert curves["exposure"] == data.exposure.tolist()
    assert curves["ts"][:2] == ["2019-11-04T00:00:00Z", "2019-11-05T00:00:00Z"]


def test_a_number_that_is_not_there_is_null(made):
    equity = np.array([100.0, math.nan, 110.0])

    whole = read(made(rows=3, equity=equity, measures={"sharpe": math.nan, "calmar": math.inf}, fills=()))

    assert whole["curves"]["equity"] == [100.0, None, 110.0]
    assert whole["measures"] == {"sharpe": None, "calmar": None}


def test_the_returns_behind_the_bars_and_the_table_are_there(made):
    data = made()

    whole = read(data)

    assert whole["years"]["return"] == returns_by("Y", data.ts, data.equity).value.tolist()
    assert whole["months"]["benchmark"] == returns_by("M", data.ts, data.benchmark).value.tolist()
    assert whole["years"]["part"] == [True, False, False, True]


def test_the_sweep_is_there_as_a_map_a_distribution_and_a_table(made):
    sweep = read(made())["sweep"]

    assert sweep["heat_map"]["values"] == [[12.0, 22.0, 32.0], [13.0, 23.0, 33.0], [14.0, 24.0, 34.0]]
    assert sum(sweep["distribution"]["counts"]) == 9
    assert sweep["best"][0] == {"cross.fast": 4, "cross.slow": 30, "sharpe": 34.0}
    assert sweep["portfolios"]["sharpe"][0] == 34.0
    assert sweep["spread"]["tried"] == 9


def test_a_run_alone_has_no_sweep(made):
    assert read(made(sweep=None, benchmark=None, exposure=None))["sweep"] is None


def test_a_sweep_without_values_is_null_and_not_nan(made):
    table = pl.DataFrame({"a": [1, 2], "sharpe": [None, math.nan]})

    sweep = read(made(sweep=SweepData({"a": [1, 2]}, table, "sharpe")))["sweep"]

    assert sweep["heat_map"]["values"] == [[None], [None]]
    assert sweep["spread"]["best"] is None
    assert sweep["distribution"] == {"counts": [], "edges": []}


def test_orders_are_counted_and_the_largest_fills_are_records(made):
    orders = read(made())["orders"]

    assert (orders["decided"], orders["fills"], orders["buys"], orders["traded"]) == (3, 2, 1, 1100.0)
    assert orders["largest"][0]["type"] == "fill"
    assert orders["largest"][0]["price"] == 60.0


def test_it_says_its_format_its_verdict_and_what_is_not_known(made):
    whole = read(made())

    assert whole["format"] == FORMAT
    assert whole["created"] == "2024-05-06T07:08:09Z"
    assert whole["warning"][0] == "The best of 9 is luck until shown otherwise."
    assert whole["skill_or_luck"] == {"deflated_sharpe": None, "pbo": None, "spa": None}
    assert whole["assumptions"][0][0] == "Cash"


def test_times_within_a_second_keep_their_nanoseconds(made):
    data = made(rows=2, ts=ns("2020-01-01T00:00:00.000000001", "2020-01-02"), fills=())

    assert read(data)["curves"]["ts"][0] == "2020-01-01T00:00:00.000000001Z"


def test_values_that_json_does_not_have_are_written_as_text_or_as_pythons(made):
    parameters = {"n": np.int64(3), "x": np.float64(0.5), "day": np.datetime64("2020-01-01"), "none": None}

    assert read(made(parameters=parameters))["parameters"] == {
        "n": 3,
        "x": 0.5,
        "day": "2020-01-01",
        "none": None,
    }
