from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.errors import ConfigError
from flotilla.stream.bars.formats import pattern_of, plain_format, read_format


def read(texts, form):
    found = read_format(pa.array(texts), form)
    return [
        str(at)[:19] if ok else None for at, ok in zip(found.wall.astype("M8[ns]"), found.ok, strict=True)
    ]


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("31/01/2024", "%d/%m/%Y", "2024-01-31T00:00:00"),
        ("1/2/2024", "%m/%d/%Y", "2024-01-02T00:00:00"),
        ("01-JAN-2024", "%d-%b-%Y", "2024-01-01T00:00:00"),
        ("Jan 02, 2024", "%b %d, %Y", "2024-01-02T00:00:00"),
        ("2 March 2024", "%d %B %Y", "2024-03-02T00:00:00"),
        ("02.01.24 9:05", "%d.%m.%y %H:%M", "2024-01-02T09:05:00"),
        ("01/02/1999 12:30:01 AM", "%m/%d/%Y %I:%M:%S %p", "1999-01-02T00:30:01"),
        ("20240229235959", "%Y%m%d%H%M%S", "2024-02-29T23:59:59"),
    ],
)
def test_a_format_reads_what_strptime_reads(text, form, expected):
    assert read([text], form) == [expected]
    assert datetime.strptime(f"{text} +0000", f"{form} %z").isoformat() == f"{expected}+00:00"


@given(st.integers(-8_000_000_000, 7_000_000_000))
def test_what_is_written_is_read_back(seconds):
    at = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).replace(tzinfo=None)

    assert read([at.strftime("%d/%m/%Y %H:%M:%S")], "%d/%m/%Y %H:%M:%S") == [at.isoformat()]


def test_days_that_do_not_exist_are_not_read():
    wrong = [
        "30/02/2024",
        "29/02/2023",
        "31/04/2024",
        "00/01/2024",
        "01/13/2024",
        "01/01/24",
        "1/1/2024x",
        "",
    ]

    assert read(wrong, "%d/%m/%Y") == [None] * len(wrong)
    assert read(["29/02/2024", "x"], "%d/%m/%Y") == ["2024-02-29T00:00:00", None]
    assert read(["01-XYZ-2024"], "%d-%b-%Y") == [None]


def test_a_clock_may_be_of_a_zone():
    found = read_format(pa.array(["02/01/2024 09:00 +0530", "02/01/2024 09:00 -05:00"]), "%d/%m/%Y %H:%M %z")

    assert found.offset.tolist() == [19_800 * 10**9, -18_000 * 10**9]


@pytest.mark.parametrize(
    "text", ["20240131", "2024.01.31", "2024/1/31", "31-Jan-2024", "Jan 31, 2024", "2024-1-31"]
)
def test_what_can_be_meant_in_one_way_only_is_read_so(text):
    assert read([text], plain_format(text)) == ["2024-01-31T00:00:00"]


@pytest.mark.parametrize("text", ["01/02/2024", "2024-01-31T09:30:00Z", "1704205800", "soon", ""])
def test_what_can_be_meant_in_two_ways_has_no_format(text):
    assert plain_format(text) is None


@pytest.mark.parametrize("form", ["%d/%m", "%Q%d%Y", "%d %d %Y", "", "%d/%Y%"])
def test_a_format_that_is_none_is_a_mistake_of_the_configuration(form):
    with pytest.raises(ConfigError, match="date_format"):
        pattern_of(form)
