import pyarrow as pa
import pytest
from pyarrow import parquet

from flotilla.errors import DataError
from flotilla.stream.bars.file import draft_of_file
from flotilla.stream.bars.findings import Findings
from flotilla.stream.bars.options import Options


def test_a_file_is_read_by_what_its_name_ends_with(tmp_path):
    columns = {"date": ["2020-01-02", "2020-01-03"], "A": [1.5, 2.0]}
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("date,A\n2020-01-02,1.5\n2020-01-03,2\n")

    drafts = [draft_of_file(tmp_path / name, Options()) for name in ("a.parquet", "a.csv")]

    assert [draft.fields["close"].tolist() for draft in drafts] == [[[1.5], [2.0]]] * 2
    assert [draft.place(1, 0) for draft in drafts] == ["row 1", "line 3"]


def test_what_is_found_while_reading_goes_where_it_is_wanted(tmp_path):
    (tmp_path / "a.csv").write_text("date,A\n2020-01-02,1.5\n2020-01-03,x\n")
    findings = Findings("mine")

    draft = draft_of_file(tmp_path / "a.csv", Options(), findings)

    assert draft.findings is findings
    with pytest.raises(DataError, match=r"mine cannot be used:\n  1 x a cell is not a number\n    line 3"):
        findings.raise_if_any()
