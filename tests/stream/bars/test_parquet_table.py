import pyarrow as pa
import pytest
from pyarrow import parquet

from flotilla.errors import DataError
from flotilla.stream.bars.file import draft_of_file
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.parquet_table import table_of


def test_only_the_columns_of_bars_are_read(tmp_path):
    columns = {"date": ["2020-01-02"], "close": [1.5], "note": [{"any": "thing"}]}
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")

    assert table_of(tmp_path / "a.parquet", Options()).table.to_pydict() == {
        "date": ["2020-01-02"],
        "close": [1.5],
    }


def test_what_is_no_parquet_file_is_told(tmp_path):
    (tmp_path / "a.parquet").write_text("date,close\n")

    with pytest.raises(DataError, match="it looks like text, use source: csv"):
        table_of(tmp_path / "a.parquet", Options())


def test_a_file_without_columns_is_told(tmp_path):
    parquet.write_table(pa.table({}), tmp_path / "a.parquet")

    with pytest.raises(DataError, match="no time column; there is no column at all"):
        draft_of_file(tmp_path / "a.parquet", Options())
