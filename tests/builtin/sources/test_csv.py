import gzip
from datetime import date
from time import process_time_ns  # the work itself: what else the machine does is no matter here

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.builtin.sources.csv import Csv
from flotilla.builtin.sources.sample import Sample
from flotilla.errors import ConfigError, DataError

LONG = """symbol,date,open,high,low,close,volume
A,2020-01-02,1.5,2,1,1.25,100
A,2020-01-03,1.25,2,1,1.75,
B,2020-01-02,10,11,9,10.5,7
"""


@pytest.fixture
def file(tmp_path):
    def written(text, name="bars.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return written


def wrong(path, kind=DataError, **options):
    with pytest.raises(kind) as caught:
        Csv(path=path, **options).panel()
    return str(caught.value)


def test_a_long_file_becomes_a_panel(file):
    panel = Csv(path=file(LONG)).panel()

    assert panel.name == "bars.csv"
    assert panel.instruments == ("A", "B")
    assert list(panel.fields) == ["open", "high", "low", "close", "volume"]
    assert np.array_equal(panel.fields["volume"], [[100, 7], [np.nan, np.nan]], equal_nan=True)
    assert panel.ticks_per_unit.tolist() == [100.0, 10.0]


def test_a_wide_file_becomes_a_panel(file):
    panel = Csv(path=file(",A,B\n2020-01-02,1.5,\n2020-01-03,NaN,2\n")).panel()

    assert panel.instruments == ("A", "B")
    assert np.array_equal(panel.fields["close"], [[1.5, np.nan], [np.nan, 2]], equal_nan=True)


def test_what_to_read_can_be_said(file):
    path = file("date;A\n2020-01-02;1,5\n2020-01-03;2\n2020-01-04;3\n".encode("utf-16"))

    panel = Csv(path=path, separator=";", decimal=",", encoding="utf-16", tick="0.5").panel(
        date(2020, 1, 3), date(2020, 1, 3)
    )

    assert panel.fields["close"].tolist() == [[2.0]]
    assert panel.ticks_per_unit.tolist() == [2.0]


REWRITTEN = {
    "line ends": lambda text: text.replace("\n", "\r\n"),
    "byte order mark": lambda text: "\ufeff" + text,
    "empty lines": lambda text: text.replace("\n", "\n\n"),
    "no last line end": lambda text: text.rstrip(),
    "packed": lambda text: gzip.compress(text.encode(), mtime=0),
    "quotes": lambda text: text.replace("A", '"A"').replace("symbol", '"Symbol"'),
    "blanks": lambda text: text.replace("2020-01-02", "2020-01-02 ").replace("10.5", " 10.5"),
    "exponents": lambda text: text.replace("10.5", "1.05e1"),
}


@pytest.mark.parametrize("change", REWRITTEN.values(), ids=REWRITTEN)
def test_the_same_bars_written_otherwise_are_the_same_panel(file, change):
    assert Csv(path=file(change(LONG))).panel().identity == Csv(path=file(LONG)).panel().identity


@given(st.lists(st.floats(1e-300, 1e300), min_size=1, max_size=20))
def test_a_number_is_read_to_the_bit(tmp_path_factory, numbers):
    path = tmp_path_factory.getbasetemp() / "numbers.csv"
    path.write_text("date,A\n" + "".join(f"{np.datetime64(n, 'D')},{x!r}\n" for n, x in enumerate(numbers)))

    assert Csv(path=str(path)).panel().fields["close"][:, 0].tolist() == numbers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        ("\nsymbol,date,close\n", "its first line is empty"),
        ("symbol,date,close\n", "no rows at all"),
        ("A,2020-01-02,1.5\n", "its first line is data: A,2020-01-02,1.5"),
        ("date;A\n2020-01-02;1,5\n", "its columns are separated by ';'"),
        ("date,A\n2020-01-02,x\n", "1 x a cell is not a number\n    line 2: A 'x'"),
        ('date,A\n2020-01-02,"1,234.5"\n', "line 2: A '1,234.5'"),
        ("date,A\n2020-01-02,0x10\n", "line 2: A '0x10'"),
        ("date,A\n2020-01-02,1_0\n", "line 2: A '1_0'"),
        ("date,A\n2020-01-02,1,2\n2020-01-03,1\n", "1 x a line has more cells than the 2"),
        ("date,A,B\n2020-01-02\n2020-01-03,1,2\n", "1 x a line has fewer cells than the 3"),
        ("date,A\n2020-01-02,1\n2020-01-0", "1 x the last line has too few cells\n    line 3: 2020-01-0"),
        ("date,A\n2020-01-02,1e400\n", "1 x close is infinite\n    line 2 2020-01-02 A: close inf"),
        ("date,A\n\n2020-01-02,1\n\n2020-01-03,-1\n", "line 5 2020-01-03 A: close -1.0"),
        ("date,A\n2020-01-02,1\n2020-02-30,1\n", "line 3: '2020-02-30'"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_where(file, text, message):
    assert message in wrong(file(text))


def test_lines_that_do_not_parse_do_not_hide_what_is_wrong_in_the_others(file):
    text = wrong(file("date,A,B\n2020-01-02,1,x\n2020-01-03,-1,1\n2020-01-04\n2020-01-02,1,1\n2020-01-05,1"))

    for what in (
        "line 2: B 'x'",
        "fewer cells than the 3 of the header\n    line 4",
        "too few cells\n    line 6",
        "line 3 2020-01-03 A: close -1.0",
        "line 5 2020-01-02 after line 3 2020-01-03",
    ):
        assert what in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"separator": ",,"}, "separator ',,' is not one character"),
        ({"encoding": "utf-9"}, "encoding 'utf-9' is not known"),
        ({"tick": "0.3"}, "tick '0.3' must divide 1"),
    ],
)
def test_a_wrong_option_is_a_mistake_of_the_configuration(file, options, message):
    assert message in wrong(file(LONG), ConfigError, **options)


def test_a_path_that_leads_to_no_file_is_a_mistake_of_the_configuration(tmp_path):
    assert "cannot be read: No such file" in wrong(str(tmp_path / "none.csv"), ConfigError)
    assert "cannot be read: it is a folder" in wrong(str(tmp_path), ConfigError)


def test_the_sample_written_as_a_wide_file_is_read_back_with_a_tenth_of_a_second_of_work(file):
    sample = Sample().panel()
    days = sample.ts_event.astype("M8[ns]").astype("M8[D]").astype(str)
    rows = [
        ",".join([day, *map(repr, closes)])
        for day, closes in zip(days, sample.fields["close"].tolist(), strict=True)
    ]
    path = file("\n".join([",".join(["date", *sample.instruments]), *rows]))
    source = Csv(path=path)

    took = []
    for _ in range(5):
        start = process_time_ns()
        panel = source.panel()
        took.append(process_time_ns() - start)

    assert panel.identity == sample.identity
    assert min(took) < 100_000_000
