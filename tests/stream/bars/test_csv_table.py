import pytest

from flotilla.errors import DataError
from flotilla.stream.bars.csv_table import table_of
from flotilla.stream.bars.findings import Findings
from flotilla.stream.bars.options import Options


def read(text, **options):
    findings = Findings("a.csv")
    read = table_of(text.encode(), Options(**options), findings)
    return read.table, read.place, findings


def test_only_the_columns_of_bars_are_parsed():
    table, _, _ = read("date,close,note\n2020-01-02,1.5,x\n")

    assert table.to_pydict() == {"date": ["2020-01-02"], "close": [1.5]}


def test_rows_stand_on_the_lines_of_their_file():
    _, lines, _ = read("date,close\n\n2020-01-02,1.5\n\n\n2020-01-03,2\n")

    assert [lines(0), lines(1)] == ["line 3", "line 6"]


def test_what_does_not_parse_is_found_and_the_rest_is_read():
    table, _, findings = read("date,close\n2020-01-02,x\n2020-01-03,2\n")

    assert table["close"].to_pylist() == [2.0]
    with pytest.raises(DataError, match="1 x a cell is not a number\n    line 2: close 'x'"):
        findings.raise_if_any()
