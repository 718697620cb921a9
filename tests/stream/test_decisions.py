"""Tables of risk decisions: who is heeded, when, and what is no such table."""

import csv

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.errors import ConfigError, DataError, OutOfOrderError
from flotilla.stream.decisions import decisions_for, read_decisions, remarks_on

DAY = 86_400_000_000_000
NAMES = ("KO", "PEP")
HEADER = ["ts_recv", "model", "portfolio", "instrument", "scale", "cap", "reason"]


@pytest.fixture
def written(tmp_path):
    """Return a function that writes rows to a file and returns its path."""

    def write(*rows, header=tuple(HEADER), name="decisions.csv"):
        path = tmp_path / name
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows])
        return path

    return write


def day(n, hour=0):
    return f"2020-01-{n:02d}T{hour:02d}:00:00Z"


def bars(*days):
    return np.array([f"2020-01-{n:02d}" for n in days], "datetime64[ns]").astype(np.int64)


def heeded(path, ts_recv, portfolio="mine"):
    return decisions_for(read_decisions(path), portfolio, ts_recv, NAMES)


def test_a_decision_is_heeded_from_the_time_it_could_be_known_and_no_sooner(written):
    path = written([day(3), "var", "*", "*", 0.5, 0.2, "var"])

    found = heeded(path, np.array([-1, 0, 1]) + bars(3))

    assert found.scale.tolist() == [[1.0, 1.0], [0.5, 0.5], [0.5, 0.5]]
    assert found.cap.tolist() == [[1.0, 1.0], [0.2, 0.2], [0.2, 0.2]]


def test_a_decision_stands_until_the_same_voice_says_something_else(written):
    path = written(
        [day(2), "var", "*", "*", 0.5, 1.0, "var"],
        [day(4), "var", "*", "*", 1.0, 1.0, "ok"],
        [day(4), "var", "*", "*", 0.75, 1.0, "ok"],
    )

    found = heeded(path, bars(1, 2, 3, 4, 5))

    assert found.scale[:, 0].tolist() == [1.0, 0.5, 0.5, 0.75, 0.75]


def test_of_several_voices_the_least_is_heeded_of_scales_and_of_caps(written):
    path = written(
        [day(1), "var", "*", "*", 0.5, 0.9, "var"],
        [day(2), "stress", "*", "KO", 0.75, 0.1, "stress"],
        [day(3), "var", "*", "*", 1.0, 1.0, "ok"],
    )

    found = heeded(path, bars(1, 2, 3))

    assert found.scale.tolist() == [[0.5, 0.5], [0.5, 0.5], [0.75, 1.0]]
    assert found.cap.tolist() == [[0.9, 0.9], [0.1, 0.9], [0.1, 1.0]]


def test_patterns_name_portfolios_and_instruments_as_in_a_shell(written):
    path = written(
        [day(1), "a", "mi*", "K?", 0.5, 1.0, "a"],
        [day(1), "b", "other-*", "*", 0.0, 1.0, "b"],
        [day(1), "c", "MINE", "*", 0.0, 1.0, "c"],
    )

    assert heeded(path, bars(1)).scale.tolist() == [[0.5, 1.0]]
    assert heeded(path, bars(1), "other-7").scale.tolist() == [[0.0, 0.0]]


def test_only_the_time_and_the_scale_need_be_there(written):
    path = written([day(1), 0.5], header=["ts_recv", "scale"])

    found = heeded(path, bars(1))

    assert found.scale.tolist() == [[0.5, 0.5]]
    assert found.cap.tolist() == [[1.0, 1.0]]


def test_the_decisions_behind_an_order_are_named_by_model_row_and_pattern(written):
    path = written(
        [day(1), "var", "*", "*", 0.5, 1.0, "var"],
        [day(2), "stress", "*", "KO", 0.5, 1.0, "stress"],
        [day(3), "var", "*", "*", 0.5, 1.0, "var"],
    )

    found = heeded(path, bars(0 + 1, 2, 3))

    assert found.ids(0, NAMES) == [("var-00000000-*",), ("var-00000000-*",)]
    assert found.ids(2, NAMES) == [("var-00000002-*", "stress-00000001-KO"), ("var-00000002-*",)]


def test_a_parquet_file_is_the_same_table(written, tmp_path):
    path = written([day(2), "var", "*", "KO", 0.5, 0.5, "var"])
    pq.write_table(read_decisions(path).set_column(
        0, "ts_recv", pa.array(bars(2)).cast(pa.timestamp("ns", "UTC"))
    ), tmp_path / "d.parquet")  # fmt: skip

    one, two = heeded(path, bars(1, 2)), heeded(tmp_path / "d.parquet", bars(1, 2))

    assert one.scale.tolist() == two.scale.tolist()
    assert one.cap.tolist() == two.cap.tolist()


def test_times_in_any_zone_are_instants(written):
    path = written(["2020-01-02T09:00:00+09:00", "var", "*", "*", 0.5, 1.0, "var"])

    assert heeded(path, np.array([-1, 0]) + bars(2)).scale[:, 0].tolist() == [1.0, 0.5]


def test_instruments_whose_names_are_numbers_are_names(written):
    path = written(
        [day(1), 1, "*", "600519", 0.5, 1.0, 7],
        [day(1), 1, "*", "NA", 0.25, 1.0, 7],
        [day(1), 1, "*", "000001", 0.75, 1.0, 7],
    )

    found = decisions_for(read_decisions(path), "mine", bars(1), ("600519", "NA", "KO", "1"))

    assert found.scale.tolist() == [[0.5, 0.25, 1.0, 1.0]]


def test_an_empty_cell_is_what_a_missing_column_would_be(written):
    path = written([day(1), "", "", "", 0.5, "", ""])

    assert heeded(path, bars(1)).scale.tolist() == [[0.5, 0.5]]


def test_a_table_without_rows_decides_nothing(written):
    path = written()

    assert heeded(path, bars(1)).scale.tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (["2020-01-02", "var", "*", "*", 0.5, 1.0, "x"], "ts_recv is string; write times with their zone"),
        (
            ["2020-01-02T00:00:00", "var", "*", "*", 0.5, 1.0, "x"],
            "ts_recv is string; write times with their zone",
        ),
        (["soon", "var", "*", "*", 0.5, 1.0, "x"], "ts_recv is string; write times with their zone"),
        (["", "var", "*", "*", 0.5, 1.0, "x"], "row 2 has no ts_recv"),
        (
            [day(2), "var", "*", "*", 1.5, 1.0, "x"],
            r"scale must be in \[0, 1\]; row 2 has 1.5 \(1 such rows\)",
        ),
        ([day(2), "var", "*", "*", 0.5, -0.1, "x"], r"cap must be in \[0, 1\]; row 2 has -0.1"),
        ([day(2), "var", "*", "*", "", 1.0, "x"], r"scale must be in \[0, 1\]; row 2 has nan"),
        ([day(2), "var", "*", "*", "half", 1.0, "x"], "cannot be read as a table of decisions: .*half"),
    ],
)
def test_what_is_wrong_is_said_with_the_file_the_row_and_the_mend(written, row, message):
    path = written([day(1), "var", "*", "*", 0.5, 1.0, "x"], row)

    with pytest.raises(DataError, match=message) as raised:
        read_decisions(path)

    assert "decisions.csv" in str(raised.value)


def test_times_without_a_zone_are_refused_in_every_row(written):
    path = written(["2020-01-02T00:00:00", "var", "*", "*", 0.5, 1.0, "x"])

    with pytest.raises(DataError, match=r"ts_recv is timestamp\[s\]; write times with their zone"):
        read_decisions(path)


def test_rows_that_go_back_in_time_are_refused(written):
    path = written(*([day(n), "var", "*", "*", 0.5, 1.0, "x"] for n in (1, 3, 2)))

    with pytest.raises(OutOfOrderError, match="row 3 is earlier than the row before; sort it by ts_recv"):
        read_decisions(path)


def test_a_column_that_is_needed_is_missed_by_name(written):
    path = written([day(1), 0.5], header=["ts_recv", "weight"])

    with pytest.raises(DataError, match="has no column scale; a decision needs ts_recv, scale"):
        read_decisions(path)


def test_a_file_that_is_not_there_is_a_mistake_in_the_configuration(tmp_path):
    with pytest.raises(ConfigError, match=r"\$\.portfolio\.decisions: there is no file .*nix\.csv"):
        read_decisions(tmp_path / "nix.csv")


@pytest.mark.parametrize("name", ["broken.csv", "broken.parquet"])
def test_a_file_that_is_no_table_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"a,b\n1,2,3\n\x00\xff")

    with pytest.raises(DataError, match=r"cannot be read as a table of decisions|cannot be used: 1 x a NUL"):
        read_decisions(tmp_path / name)


@pytest.mark.parametrize("name", ["symbol", "Ticker", " Instrument ", "SYMBOL"])
def test_what_other_files_call_a_symbol_is_the_instrument(written, name):
    path = written([day(1), "KO", 0.0], header=["ts_recv", name, "scale"])

    assert heeded(path, bars(1)).scale.tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("instruments", r"a decision has no 'instruments'; did you mean instrument\?"),
        ("symbols", r"a decision has no 'symbols'; did you mean symbol\?"),
        ("reasn", r"a decision has no 'reasn'; did you mean reason\?"),
        ("Portfolios", r"a decision has no 'Portfolios'; did you mean portfolio\?"),
        ("note", "a decision has no 'note'"),
        ("", "a column has no name: it is an index; write the table without it"),
        ("SCALE", "'scale' and 'SCALE' are one column; keep one of them"),
    ],
)
def test_a_column_that_is_not_known_is_refused_with_the_nearest(written, column, message):
    path = written([day(1), 0.5, "KO"], header=["ts_recv", "scale", column])

    with pytest.raises(DataError, match=message):
        read_decisions(path)


def test_a_symbol_and_an_instrument_are_one_too_many(written):
    path = written([day(1), 0.5, "KO", "PEP"], header=["ts_recv", "scale", "symbol", "instrument"])

    with pytest.raises(DataError, match="'symbol' and 'instrument' are one column"):
        read_decisions(path)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_mark_of_the_byte_order_blanks_and_other_separators_change_nothing(tmp_path, separator):
    rows = [["ts_recv", "Instrument", "scale"], [day(1), " KO ", "0.5"], [day(1), "  ", "0.75"]]
    text = "\r\n".join(separator.join(row) for row in rows)
    (tmp_path / "d.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())

    assert heeded(tmp_path / "d.csv", bars(1)).scale.tolist() == [[0.5, 0.75]]


def told(path, ts_recv=None, portfolio="mine"):
    known = bars(1, 2, 3) if ts_recv is None else ts_recv
    return remarks_on(read_decisions(path), "d.csv", portfolio, known, NAMES)


def test_a_table_that_is_heeded_whole_is_not_spoken_of(written):
    assert told(written([day(1), "var", "mi*", "K?", 0.5, 1.0, ""], [day(3), "", "", "", 0.5, 1.0, ""])) == ()


def test_rows_that_nobody_heeds_are_told_with_their_row(written):
    path = written(
        [day(1), "var", "*", "NOPE", 0.5, 1.0, ""],
        [day(1), "var", "*", "KOO", 0.5, 1.0, ""],
        [day(2), "var", "*", "NOPE", 0.5, 1.0, ""],
        [day(3), "var", "other", "*", 0.5, 1.0, ""],
        [day(4), "var", "*", "*", 0.5, 1.0, ""],
        [day(5), "var", "*", "*", 0.5, 1.0, ""],
    )

    assert told(path) == (
        "d.csv: row 2 is for the instrument 'KOO', which is not here (1 such row); did you mean KO.",
        "d.csv: row 1 is for the instrument 'NOPE', which is not here (2 such rows); there is KO, PEP.",
        "d.csv: row 4 is for the portfolio 'other', which is not here (1 such row); this one is mine.",
        "d.csv: row 5 of 2020-01-04T00:00:00Z is after the last bar, so no bar heeds it (2 such rows).",
    )


def test_a_table_without_rows_and_one_that_contradicts_itself_are_told(written):
    path = written([day(2), "var", "*", "KO", 0.5, 1.0, ""], [day(2), "var", "*", "KO", 0.25, 1.0, ""])

    assert told(path) == (
        "d.csv: row 1 and row 2 are of one model and one instant, and the later one stands (1 such row).",
    )
    assert told(written()) == ("d.csv has no rows, so it decides nothing.",)


def test_an_instrument_in_other_letters_is_a_mistake(written):
    with pytest.raises(DataError, match=r"d.csv: row 1 is for the instrument 'ko'; it is called 'KO'"):
        told(written([day(1), "var", "*", "ko", 0.5, 1.0, ""]))


ROWS = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from("ab"),
        st.sampled_from(["*", "mine", "other"]),
        st.sampled_from(["*", *NAMES]),
        st.sampled_from([0.0, 0.25, 1.0]),
        st.sampled_from([0.0, 0.5, 1.0]),
    ),
    max_size=12,
)


@given(ROWS.map(sorted), st.lists(st.integers(-1, 31), min_size=1, max_size=8).map(sorted))
def test_what_is_heeded_is_what_a_loop_over_rows_and_bars_finds(rows, ts_recv):
    rows = [row for row in rows if row]
    columns = zip(*rows, strict=True) if rows else [[]] * 6
    table = pa.table(dict(zip(HEADER, [pa.array(c) for c in columns], strict=False)))
    types = [pa.int64(), pa.string(), pa.string(), pa.string(), pa.float64(), pa.float64()]
    table = table.cast(pa.schema(list(zip(HEADER, types, strict=False))))

    found = decisions_for(table, "mine", np.array(ts_recv, np.int64), NAMES)

    for t, now in enumerate(ts_recv):
        for i, name in enumerate(NAMES):
            stands = {}
            for ts, model, portfolio, instrument, scale, cap in rows:
                if ts <= now and portfolio in ("*", "mine"):
                    stands[model, portfolio, instrument] = (scale, cap)
            mine = [said for (_, _, instrument), said in stands.items() if instrument in ("*", name)]
            assert found.scale[t, i] == min([1.0, *(scale for scale, _ in mine)])
            assert found.cap[t, i] == min([1.0, *(cap for _, cap in mine)])
