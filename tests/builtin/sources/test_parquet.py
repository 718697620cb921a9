from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from flotilla.builtin.sources.parquet import Parquet
from flotilla.builtin.sources.sample import Sample
from flotilla.clock import DAY_NS
from flotilla.errors import ConfigError, DataError

COLUMNS = {
    "symbol": ["A", "A", "B"],
    "date": ["2020-01-02", "2020-01-03", "2020-01-03"],
    "close": [1.5, 1.25, 9.0],
}


@pytest.fixture
def file(tmp_path):
    def written(columns):
        path = tmp_path / "bars.parquet"
        parquet.write_table(pa.table(columns), path)
        return path

    return written


def wrong(path, kind=DataError):
    with pytest.raises(kind) as caught:
        Parquet(path=str(path)).panel()
    return str(caught.value)


def test_a_file_becomes_a_panel(file):
    panel = Parquet(path=str(file(COLUMNS))).panel(date(2020, 1, 3), None, ["B", "A"])

    assert panel.name == "bars.parquet"
    assert panel.fields["close"].tolist() == [[9.0, 1.25]]


def test_only_the_columns_of_bars_are_read(file):
    path = file(COLUMNS | {"note": [{"any": "thing"}] * 3})

    assert list(Parquet(path=str(path)).panel().fields) == ["close"]


def test_numbers_of_any_width_and_nulls_are_read(file):
    panel = Parquet(
        path=str(
            file({"date": ["2020-01-02", "2020-01-03"], "A": pa.array([1, None], pa.int16()), "B": [0.5, 1]})
        )
    ).panel()

    assert np.array_equal(panel.fields["close"], [[1.0, 0.5], [np.nan, 1.0]], equal_nan=True)


def test_a_row_is_named_by_its_number(file):
    assert "row 2 2020-01-03 B: close 0.0" in wrong(file(COLUMNS | {"close": [1.0, 1.0, 0.0]}))


def test_what_is_no_whole_parquet_file_says_what_it_is(file, tmp_path):
    path = file(COLUMNS)
    data = path.read_bytes()

    for content, what in (
        (b"", "it has 0 bytes"),
        (b"symbol,date\n", "looks like text, use source: csv"),
        (b"\x00\x01\x02\x03", "looks like something else"),
        (data[:-1], "it has no footer"),
        (data[:8], "it has no footer"),
        (b"PAR1PAR1", "it has no footer"),
        (data[:-8] + bytes(4) + data[-4:], "it cannot be read"),
    ):
        path.write_bytes(content)
        assert what in wrong(path)
    assert "cannot be read: No such file" in wrong(tmp_path / "none.parquet", ConfigError)


def test_a_damaged_column_is_named(tmp_path):
    prices = np.random.default_rng(1).random(1000) + 1
    columns = {"date": np.arange(1000).astype("M8[D]"), "A": prices, "B": prices}
    path = tmp_path / "bars.parquet"
    parquet.write_table(
        pa.table(columns), path, use_dictionary=False, compression="none", write_page_checksum=True
    )
    data = bytearray(path.read_bytes())

    data[data.find(prices[500].tobytes())] ^= 1  # its first place is in A
    path.write_bytes(data)

    assert "1 x a column cannot be decoded\n    A: " in wrong(path)


def test_the_folder_of_shared_bars_loads(shared):
    data = shared / "data"
    names = [
        *data.rglob("*bars_1d*.parquet"),
        *data.rglob("*bars_1m.parquet"),
        *data.rglob("*bars_1h.parquet"),
        *data.rglob("close_1d*.parquet"),
    ]
    found = [path for path in names if "quote" not in path.name and path.parent.name != "options"]

    panels = {path.name: Parquet(path=str(path)).panel() for path in found}

    assert len(panels) > 15
    for name, panel in panels.items():
        steps = np.diff(panel.ts_event)
        assert (steps >= panel.ts_recv[0] - panel.ts_event[0]).all(), name
        assert np.isfinite(panel.fields["close"]).any(axis=1).all(), name


def test_the_shared_closes_are_the_first_part_of_the_sample(shared):
    there = Parquet(path=str(shared / "data" / "equity" / "close_1d_us20.parquet")).panel()

    assert there.identity == Sample().panel(date(1990, 1, 1), date(2015, 12, 31)).identity
    assert there.ts_recv[0] - there.ts_event[0] == DAY_NS


def test_instruments_that_trade_on_different_days_are_aligned(shared):
    path = shared / "data" / "equity" / "bars_1d.parquet"

    panel = Parquet(path=str(path)).panel(instruments=["AAPL", "GOOG"])

    rows = parquet.read_table(path)
    closes = {
        (symbol, day): close
        for symbol, day, close in zip(
            *(rows[name].to_pylist() for name in ("symbol", "date", "close")), strict=True
        )
    }
    days = panel.ts_event.astype("M8[ns]").astype("M8[D]").tolist()
    expected = [[closes.get((symbol, day), np.nan) for symbol in panel.instruments] for day in days]
    assert np.array_equal(panel.fields["close"], expected, equal_nan=True)
    assert np.isnan(panel.fields["close"]).any()
