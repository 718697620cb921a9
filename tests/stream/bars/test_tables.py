import numpy as np
import pyarrow as pa
import pytest

from flotilla.clock import DAY_NS
from flotilla.errors import ConfigError, DataError, OutOfOrderError
from flotilla.stream.bars.draft import panel_of
from flotilla.stream.bars.layouts import layout_of
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.sessions import step_of
from flotilla.stream.bars.tables import draft_of

MINUTE = 60_000_000_000
NAN = np.nan


def read(columns, **options):
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    return panel_of(draft_of(table, "bars.csv", Options(**options), lambda n: f"row {n}"))


def wrong(columns, kind=DataError, **options):
    with pytest.raises(kind) as caught:
        read(columns, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["id", "no", "No.", "#", "n", "Row", "rank", "rownum", "row_num", "0", "S.No", "Unnamed: 0.1", "index"],
)
@pytest.mark.parametrize("first", [0, 1])
def test_a_count_of_rows_is_no_instrument_whatever_it_is_called(name, first):
    days = ["2020-01-01", "2020-01-02", "2020-01-03"]
    count = [first, first + 1, first + 2]

    assert read({"Date": days, name: count, "KO": [1.0, 2.0, 3.0]}).instruments == ("KO",)
    assert read({"Date": days, "N": [1.0, 2.0, 3.5], "KO": [1, 2, 3]}).instruments == ("N", "KO")
    assert read({"Date": days, "700": [330.0, 331.0, 332.0]}).instruments == ("700",)


def test_a_wide_table_is_closes_side_by_side():
    panel = read({"Date": ["2020-01-01", "2020-01-02"], "AAPL": [1.0, None], "700": [3, 4]})

    assert panel.instruments == ("AAPL", "700")
    assert np.array_equal(panel.fields["close"], [[1.0, 3.0], [NAN, 4.0]], equal_nan=True)
    assert (panel.ts_recv - panel.ts_event).tolist() == [DAY_NS] * 2


def test_a_table_with_close_and_no_symbol_is_one_instrument_called_as_the_file():
    columns = {
        "date": ["2020-01-01"],
        "Open": [1.0],
        "High": [3.0],
        "Low": [1.0],
        "Close": [2.0],
        "Volume": [9],
    }

    assert read(columns).instruments == ("bars",)
    assert read(columns, instrument="AAPL").instruments == ("AAPL",)
    assert list(read(columns).fields) == ["open", "high", "low", "close", "volume"]


def test_a_long_table_is_the_union_of_its_times():
    panel = read(
        {
            "symbol": ["B", "B", "A", "A"],
            "date": ["2020-01-01", "2020-01-03", "2020-01-02", "2020-01-03"],
            "close": [1.0, 2.0, 3.0, 4.0],
            "note": ["x"] * 4,
        }
    )

    assert panel.instruments == ("B", "A")  # as they first appear
    expected = [[1.0, NAN], [NAN, 3.0], [2.0, 4.0]]
    assert np.array_equal(panel.fields["close"], expected, equal_nan=True)


@pytest.mark.parametrize("kind", ["plain", "dictionary", "categories with one unused"])
def test_symbols_may_be_of_any_sort_of_text(kind):
    symbols = pa.array(["B", "A"])
    if kind == "dictionary":
        symbols = symbols.dictionary_encode()
    if kind == "categories with one unused":
        symbols = pa.DictionaryArray.from_arrays(pa.array([2, 1], pa.int8()), pa.array(["C", "A", "B"]))

    panel = read(pa.table({"symbol": symbols, "date": ["2020-01-01"] * 2, "close": [1.0, 2.0]}))

    assert panel.instruments == ("B", "A")


def test_rows_may_be_sorted_by_symbol_or_by_time():
    by_time = {
        "symbol": ["A", "B"] * 2,
        "date": ["2020-01-01"] * 2 + ["2020-01-02"] * 2,
        "close": [1.0, 2, 3, 4],
    }
    by_symbol = {
        "symbol": ["A"] * 2 + ["B"] * 2,
        "date": ["2020-01-01", "2020-01-02"] * 2,
        "close": [1.0, 3, 2, 4],
    }

    assert read(by_time).identity == read(by_symbol).identity


def test_rows_of_one_instrument_that_go_back_are_named():
    columns = {
        "symbol": ["A", "B", "A"],
        "date": ["2020-01-02", "2020-01-01", "2020-01-01"],
        "close": [1.0, 2, 3],
    }

    assert "1 x a row goes back in time\n    row 2 A 2020-01-01 after row 0 A 2020-01-02" in wrong(
        columns, OutOfOrderError
    )


def test_two_rows_for_one_time_are_named_with_both_closes():
    columns = {"symbol": ["A", "A"], "date": ["2020-01-01"] * 2, "close": [1.0, 1.5]}

    text = wrong(columns, OutOfOrderError)

    assert "1 x an instrument has two rows for one time" in text
    assert "row 0 A 2020-01-01 close 1.0 and row 1 A 2020-01-01 close 1.5" in text


def test_an_empty_price_in_a_long_table_is_a_defect():
    columns = {
        "symbol": ["A", "A"],
        "date": ["2020-01-01", "2020-01-02"],
        "open": [1.0, 1.0],
        "close": [None, 1.0],
    }

    assert "1 x a bar has only some of its prices\n    row 0 2020-01-01 A" in wrong(columns)
    assert "1 x a row has no price\n    row 0" in wrong(columns | {"open": [None, 1.0]})


def test_a_missing_symbol_is_named():
    assert "1 x a row has no symbol\n    row 0" in wrong(
        {"symbol": [None], "date": ["2020-01-01"], "close": [1.0]}
    )


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (["symbol", "ex_date", "value"], "no time column; there is symbol, ex_date, value"),
        (["date", "time", "close"], "several time columns: date, time"),
        (["date", "symbol", "ticker", "close"], "several symbol columns"),
        (["date", "symbol", "price"], "no column close; there is date, symbol, price"),
        (["date", "open", "high"], "no column close"),
        (["date", "close", "Close"], "columns come twice: 'close'"),
        (["date", "A", "A"], "columns come twice: 'a'"),
    ],
)
def test_columns_that_leave_a_doubt_are_refused(names, what):
    with pytest.raises(DataError, match=what):
        layout_of(names, "bars.csv")


def test_an_index_without_a_name_is_the_time_where_no_other_is():
    assert layout_of(["", "A"], "x").time == ""
    assert layout_of(["__index_level_0__", "A"], "x").time == "__index_level_0__"
    assert layout_of(["index", "ts", "close"], "x").time == "ts"


def test_columns_that_hold_no_numbers_are_told():
    text = wrong({"date": ["2020-01-01"], "A": ["x"], "B": [[1.0]]})

    assert "column A does not hold numbers: it is string\n    row 0: 'x'" in text
    assert "column B does not hold numbers" in text
    assert "does not hold numbers" in wrong({"date": ["2020-01-01"], "A": [2**53 + 1]})


def test_a_table_without_rows_is_told():
    assert "no rows at all" in wrong({"date": pa.array([], pa.date32()), "A": pa.array([], pa.float64())})


@pytest.mark.parametrize(
    ("minutes", "frequency", "expected"),
    [
        ([0, 1, 2, 5], None, 1),
        ([5, 0, 5, 15], None, 5),
        ([0, 5, 12], "1m", 1),
        ([0, 15], "5m", 5),
        ([0], "1h", 60),
        ([0, 3], "90s", 1.5),
        ([0, 1440], "1d", 1440),
    ],
)
def test_the_length_of_a_bar_is_the_step_that_all_steps_are_made_of(minutes, frequency, expected):
    ts = np.array(minutes, np.int64) * MINUTE

    assert step_of(ts, False, frequency, "x") == expected * MINUTE


def test_a_length_that_cannot_be_seen_is_asked_for():
    for minutes in ([0], [0, 5, 12]):
        with pytest.raises(DataError, match="how long its bars are cannot be seen"):
            step_of(np.array(minutes) * MINUTE, False, None, "x")
    with pytest.raises(ConfigError, match="frequency '1 hour' is not written as"):
        step_of(np.array([0]), False, "1 hour", "x")
    with pytest.raises(ConfigError, match="has dates, so its bars are days and not 1h"):
        step_of(np.array([0]), True, "1h", "x")
