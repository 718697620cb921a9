import pytest

from flotilla.errors import ConfigError, DataError
from flotilla.stream.bars.heads import Head, head_of, said, stem_of
from flotilla.stream.bars.options import Options


def test_the_first_lines_are_cells():
    head, separator = head_of(b'"Date", Close\n2024-01-02,1\n', Options(), "a.csv")

    assert (head.lines, head.stem, separator) == ([["Date", "Close"], ["2024-01-02", "1"]], "a", ",")
    assert (head.column("close"), head.cell("close"), head.cell("open")) == ("Close", "1", "")
    assert head_of(b"Date\tClose\n", Options(), "a.csv")[1] == "\t"


@pytest.mark.parametrize(
    ("name", "stem"),
    [("BRK.B.csv", "BRK.B"), ("a.csv.gz", "a"), ("aapl.us.txt", "aapl.us"), ("A", "A"), (".csv", ".csv")],
)
def test_a_stem_is_a_name_without_its_end(name, stem):
    assert stem_of(name) == stem


def test_what_a_user_says_stays():
    options = Options(unit="s", columns={"close": "Price"})

    filled = said(options, unit="ms", sort=True, columns={"close": "Last", "time": "T"})

    assert (filled.unit, filled.sort, filled.columns) == ("s", True, {"close": "Price", "time": "T"})


def test_a_text_without_a_head_is_refused():
    with pytest.raises(DataError, match="it is empty"):
        head_of(b" \n", Options(), "a.csv")
    with pytest.raises(DataError, match="its columns are separated by ';'"):
        head_of(b"date;A\n", Options(), "a.csv")
    with pytest.raises(ConfigError, match="separator ',,' is not one character"):
        head_of(b"date,A\n", Options(separator=",,"), "a.csv")
    assert Head([["Date"]], "a").lower == ["date"]
