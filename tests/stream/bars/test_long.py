import numpy as np
import pyarrow as pa
import pytest

from flotilla.errors import DataError, OutOfOrderError
from flotilla.stream.bars.findings import Findings
from flotilla.stream.bars.long import LongRows, coded_of, pivoted


def rows_of(ts, close):
    columns = {"Close": np.array(close)}
    return LongRows("x", np.array(ts, np.int64), 1, columns, lambda n: f"row {n}", Findings("x"))


def test_names_are_in_order_of_first_appearance():
    coded = coded_of(pa.array(["B", "A", "B"]), Findings("x"), str)

    assert (coded.codes.tolist(), coded.names) == ([0, 1, 0], ("B", "A"))


def test_rows_are_put_side_by_side_and_know_where_they_stood():
    coded = coded_of(pa.array(["B", "A", "B"]), Findings("x"), str)

    draft = pivoted(rows_of([1, 2, 2], [1.0, 2.0, 3.0]), {"close": "Close"}, coded)

    assert np.array_equal(draft.fields["close"], [[1.0, np.nan], [3.0, 2.0]], equal_nan=True)
    assert (draft.place(1, 0), draft.place(0, 1)) == ("row 2", "")


def test_two_rows_of_one_time_are_found():
    rows = rows_of([1, 1], [1.0, 2.0])

    pivoted(rows, {"close": "Close"}, coded_of(pa.array(["A", "A"]), Findings("x"), str))

    with pytest.raises(OutOfOrderError, match="1 x an instrument has two rows for one time"):
        rows.findings.raise_if_any()


def test_a_row_without_a_symbol_is_found():
    with pytest.raises(DataError, match="1 x a row has no symbol\n    row 1"):
        coded_of(pa.array(["A", None]), Findings("x"), lambda n: f"row {n}")
