import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from flotilla.builtin.sources.frame import Frame
from flotilla.clock import DAY_NS
from flotilla.errors import DataError
from flotilla.plugins import find

DAYS = pd.date_range("2024-03-08", periods=5, freq="D")  # the clocks change in New York on the 10th
WIDE = pd.DataFrame({"A": [1.5, 2.0, np.nan, 4.0, 5.0], "B": [10.0, 11.0, 12.0, 13.0, 14.0]}, index=DAYS)
LONG = (
    WIDE.rename_axis("date")
    .melt(ignore_index=False, var_name="symbol", value_name="close")
    .dropna()
    .reset_index()
)
HOURS = WIDE.set_axis(pd.date_range("2024-03-08 09:00", periods=5, freq="h"))

SAME = {
    "pandas, its index named": WIDE.rename_axis("Date"),
    "pandas, in a zone": WIDE.tz_localize("America/New_York"),
    "pandas, in seconds": WIDE.set_axis(DAYS.as_unit("s")),
    "pandas, dates": WIDE.set_axis(DAYS.date),
    "pandas, text": WIDE.set_axis(DAYS.strftime("%Y-%m-%d")),
    "pandas, a column": WIDE.reset_index(names="date"),
    "pandas, long": LONG,
    "pandas, long by index": LONG.set_index(["date", "symbol"]),
    "pandas, long by category": LONG.astype({"symbol": "category"}),
    "polars": pl.from_pandas(WIDE.reset_index(names="date")),
    "polars, long": pl.from_pandas(LONG),
    "polars, categories": pl.from_pandas(LONG).with_columns(pl.col("symbol").cast(pl.Categorical)),
    "arrow": pa.Table.from_pandas(WIDE.reset_index(names="ts")),
    "dict of columns": {"date": DAYS.date.tolist(), "A": WIDE["A"].to_numpy(), "B": WIDE["B"].to_numpy()},
    "dict of fields": {"Close": WIDE},
    "two levels": pd.concat({"Close": WIDE}, axis=1),
    "two levels, instrument first": pd.concat({"Close": WIDE, "Adj Close": WIDE}, axis=1).swaplevel(axis=1),
}


def wrong(data, **options):
    with pytest.raises(DataError) as caught:
        Frame(data=data, **options).panel()
    return str(caught.value)


@pytest.mark.parametrize("data", SAME.values(), ids=SAME)
def test_the_same_prices_in_any_frame_are_the_same_panel(data):
    panel = Frame(data=data).panel()

    assert panel.identity == Frame(data=WIDE).panel().identity
    assert panel.ts_event.tolist() == DAYS.as_unit("ns").asi8.tolist()
    assert (panel.ts_recv - panel.ts_event).tolist() == [DAY_NS] * 5
    assert np.array_equal(panel.fields["close"], WIDE.to_numpy(), equal_nan=True)


def test_all_fields_are_taken():
    fields = {
        "Open": WIDE,
        "High": WIDE + 1,
        "Low": WIDE - 1,
        "Close": WIDE,
        "Volume": WIDE * 100,
        "Adj Close": WIDE,
    }

    panel = Frame(data=pd.concat(fields, axis=1)).panel()

    assert sorted(panel.fields) == ["close", "high", "low", "open", "volume"]
    assert panel.fields["high"][0].tolist() == [2.5, 11.0]
    assert (
        panel.identity == Frame(data={k: v for k, v in fields.items() if k != "Adj Close"}).panel().identity
    )


def test_the_adjusted_close_of_two_levels_is_told_and_can_be_taken():
    data = pd.concat({"Open": WIDE * 4, "Close": WIDE * 2, "Adj Close": WIDE}, axis=1)

    assert "Adj Close beside it is not read" in " ".join(Frame(data=data).panel().remarks)
    assert "beside it" not in " ".join(Frame(data=data, adjusted=False).panel().remarks)
    taken = Frame(data=data, adjusted=True).panel()
    assert np.array_equal(taken.fields["close"], WIDE.to_numpy(), equal_nan=True)
    assert np.array_equal(taken.fields["open"], WIDE.to_numpy() * 2, equal_nan=True)
    assert "no column of adjusted closes" in wrong(data[["Open", "Close"]], adjusted=True)


def test_one_instrument_may_be_named():
    data = pl.DataFrame({"date": ["2020-01-01"], "close": [1.0]})

    assert Frame(data=data).panel().instruments == ("frame",)
    assert Frame(data=data, instrument="SPY", name="mine").panel().instruments == ("SPY",)
    assert Frame(data=data, name="mine").panel().name == "mine"


def test_a_series_is_one_instrument_called_as_it_is():
    closes = WIDE["B"]

    assert Frame(data=closes).panel().identity == Frame(data=WIDE[["B"]]).panel().identity
    assert Frame(data=closes, instrument="SPY").panel().instruments == ("SPY",)
    assert Frame(data=closes.rename(None), instrument="SPY").panel().instruments == ("SPY",)
    assert Frame(data=closes.rename("Close"), instrument="SPY").panel().instruments == ("SPY",)
    assert Frame(data=closes.rename(None), name="mine").panel().instruments == ("mine",)
    assert Frame(
        data=WIDE.rename_axis("date").rename_axis(columns="symbol").stack().dropna()
    ).panel().identity == (Frame(data=WIDE).panel().identity)


def test_times_with_a_zone_are_their_instants():
    utc, india = HOURS.tz_localize("UTC"), HOURS.tz_localize("UTC").tz_convert("Asia/Kolkata")

    assert Frame(data=utc).panel().ts_event.tolist() == Frame(data=india).panel().ts_event.tolist()
    assert Frame(data=utc).panel().identity == Frame(data=india, zone="UTC").panel().identity
    assert Frame(data=utc, zone="Asia/Kolkata").panel().identity == Frame(data=india).panel().identity
    assert Frame(data=HOURS, zone="UTC").panel().identity == Frame(data=utc).panel().identity
    assert Frame(data=utc).panel().ts_event.tolist() == HOURS.index.as_unit("ns").asi8.tolist()


def test_times_without_a_zone_are_not_guessed():
    assert "5 x a time has no zone\n    row 0: 2024-03-08T09:00:00" in wrong(HOURS)


def test_what_is_no_frame_says_so():
    assert "it is builtins.list" in wrong([1.0])
    assert "give a DataFrame" in wrong(None)
    assert "a bare ndarray has no times\n    mend: give a frame with a column of dates" in wrong(np.ones(3))
    assert "a bare Series has no times" in wrong(pl.Series([1.0]))
    assert "no time column" in wrong(WIDE["A"].reset_index(drop=True))
    assert "Arrow cannot read it" in wrong({"date": ["2020-01-01"], "A": [1.0, 2.0]})


def test_fields_must_agree_on_their_axes():
    assert "frame['open'] cannot be used: its times" in wrong({"close": WIDE, "open": WIDE.iloc[1:]})
    assert "its times or instruments" in wrong({"close": WIDE, "open": WIDE[["B", "A"]]})
    assert "no frame of closes; there is open" in wrong({"open": WIDE})


def test_defects_are_named_by_row():
    assert "row 1 2024-03-09 B: close -1.0" in wrong(WIDE.assign(B=-1.0))
    assert "a row goes back in time\n    row 1 2024-03-11" in wrong(WIDE.iloc[::-1])
    assert "no rows at all" in wrong(WIDE.iloc[:0])
    assert "no time column" in wrong(WIDE.reset_index(drop=True))


def test_the_users_frame_is_left_as_it_was():
    data = WIDE.copy()

    close = Frame(data=data).panel().fields["close"]

    assert not close.flags.writeable
    assert not any(np.shares_memory(close, data[name].to_numpy()) for name in data)
    pd.testing.assert_frame_equal(data, WIDE)


def test_it_is_found_by_name():
    assert find("source", "frame") is Frame
