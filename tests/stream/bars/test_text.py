import gzip

import pytest

from flotilla.errors import ConfigError, DataError
from flotilla.stream.bars.text import read_bytes, text_of


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"date,A\n2020-01-02,\xe9\n", "byte 18 (0xe9), on line 2, is not UTF-8"),
        (b"date,A\n2020-01-02,1\0\n", "1 x a NUL byte, first at byte 19 on line 2"),
        (b"\xff\xfed\0", "its byte order mark says UTF-16"),
        (b"PK\x03\x04", "it is no text but a zip archive"),
        (b"PAR1", "it is no text but a Parquet file"),
        (gzip.compress(b"date,A\n", mtime=0)[:-4], "it cannot be unpacked"),
    ],
)
def test_what_is_no_text_says_what_it_is_and_where(data, message):
    with pytest.raises(DataError) as caught:
        text_of(data, "utf-8", "a.csv")

    assert message in str(caught.value)


def test_text_is_utf_8_without_a_mark():
    assert text_of("\ufeffdaté".encode(), "utf-8", "a.csv") == "daté".encode()
    assert text_of(gzip.compress(b"date", mtime=0), "utf-8", "a.csv") == b"date"
    assert text_of("daté".encode("latin-1"), "latin-1", "a.csv") == "daté".encode()


def test_an_encoding_that_does_not_exist_is_a_mistake_of_the_configuration():
    with pytest.raises(ConfigError, match="encoding 'utf-9' is not known"):
        text_of(b"date", "utf-9", "a.csv")


def test_a_path_that_leads_to_no_file_is_a_mistake_of_the_configuration(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_bytes(tmp_path / "none.csv")
