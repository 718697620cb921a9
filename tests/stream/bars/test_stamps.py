from datetime import date

import pyarrow as pa
import pytest

from flotilla.errors import ConfigError, DataError
from flotilla.stream.bars.findings import Findings
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.stamps import stamps_of

HOUR = 3_600_000_000_000
DAY = 24 * HOUR


def read(values, kind=None, **options):
    findings = Findings("a.csv")
    column = values if isinstance(values, pa.Array) else pa.array(values, kind)
    times = stamps_of(column, Options(**options), findings, lambda n: f"line {n + 2}")
    findings.raise_if_any()
    return times.ts.tolist(), times.are_dates


def wrong(values, kind=None, **options):
    with pytest.raises(DataError) as caught:
        read(values, kind, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1970-01-02", "1970-01-05"], None),
        ([" 1970-01-02", "1970-01-05 "], pa.large_string()),
        ([date(1970, 1, 2), date(1970, 1, 5)], None),
        ([date(1970, 1, 2), date(1970, 1, 5)], pa.date64()),
        ([DAY, 4 * DAY], pa.timestamp("ns")),  # without a zone, and all midnight
        (["1970-01-02 00:00:00", "1970-01-05 00:00:00"], None),
    ],
)
def test_these_are_dates(values, kind):
    assert read(values, kind) == ([DAY, 4 * DAY], True)


@pytest.mark.parametrize(
    "values",
    [
        ["1970-01-01T01:00:00Z", "1970-01-01 07:30:00+05:30"],
        ["1970-01-01 01:00:00.000000000+00:00", "1969-12-31T21:00-05"],
    ],
)
def test_any_mix_of_offsets_is_the_same_instants(values):
    assert read(values) == ([HOUR, 2 * HOUR], False)


def test_instants_are_kept_to_the_nanosecond():
    assert read(["1970-01-01T00:00:00.123456789Z"]) == ([123456789], False)
    assert read([7], pa.timestamp("us", "Asia/Tokyo")) == ([7000], False)


def test_a_clock_on_the_wall_needs_its_zone():
    winter, summer = ["2024-01-31 09:30:00"], ["2024-07-31 09:30:00"]

    assert "1 x a time has no zone\n    line 2: 2024-01-31T09:30:00" in wrong(winter)
    assert read(winter, zone="America/New_York") == read(["2024-01-31T14:30:00Z"])
    assert read(summer, zone="America/New_York") == read(["2024-07-31T13:30:00Z"])
    assert read(winter, zone="UTC") == read(["2024-01-31T09:30:00Z"])


def test_what_the_clocks_change_makes_twice_or_never_is_refused():
    twice = ["2016-10-30 01:59:59", "2016-10-30 02:00:00", "2016-10-30 02:59:59", "2016-10-30 03:00:00"]
    never = ["2016-03-27 01:59:59", "2016-03-27 02:00:00", "2016-03-27 02:59:59", "2016-03-27 03:00:00"]

    text = wrong(twice, zone="Europe/Berlin")
    assert "2 x a time comes twice in Europe/Berlin" in text
    assert "line 3: 2016-10-30T02:00:00" in text
    assert "2 x a time does not exist in Europe/Berlin" in wrong(never, zone="Europe/Berlin")


def test_numbers_need_their_unit():
    seconds = [1381239000, 1381239060]

    assert "2 x a time is a bare number\n    line 2: 1381239000" in wrong(seconds)
    assert "bare number" in wrong(["1381239000"])
    assert read(seconds, unit="s") == read([n * 1000 for n in seconds], unit="ms")
    assert read(["1381239000"], unit="s") == ([1381239000 * 10**9], False)


def test_units_that_are_mixed_are_found():
    text = wrong([1381239000, 1381239060000, 1381239120000000000], unit="s")

    assert "2 x a time is not s since 1970" in text
    assert "line 3: 1381239060000" in text


def test_some_with_a_zone_and_some_without_is_no_guess():
    for values in (
        ["2024-01-31T09:30:00Z", "2024-01-31T09:31:00"],
        ["2024-01-31T09:31:00", "2024-01-31T09:30:00Z"],
    ):
        assert "1 x a time has no zone, while 1 of 2 have one" in wrong(values)


def test_cells_that_cannot_be_read_are_named_as_they_are_written():
    text = wrong(["2012-02-28", "2012-02-30", "soon", ""])

    assert "3 x a cell of the time column is not a date" in text
    assert "line 3: '2012-02-30'\n    line 4: 'soon'\n    line 5: ''" in text


def test_days_and_months_are_not_guessed():
    assert "2 x day and month can be swapped in these dates, and are not guessed: 31/01/2011 proves that" in (
        told := wrong(["03/01/2011", "31/01/2011"])
    )
    assert 'date_format: "%d/%m/%Y"' in told


def test_months_first_are_read_where_a_day_proves_it_and_this_is_said():
    column = pa.array(["01/30/2024", "01/31/2024", "02/01/2024"])
    findings = Findings("a.csv")

    times = stamps_of(column, Options(), findings, str)

    assert not findings
    assert times.are_dates
    assert [str(day) for day in times.ts.astype("M8[ns]").astype("M8[D]")] == [
        "2024-01-30", "2024-01-31", "2024-02-01",
    ]  # fmt: skip
    assert times.remark == "dates are read month first, as 01/30/2024 proves"


def test_unreadable_cells_are_found_among_many():
    values = ["2012-01-01"] * 2500
    values[1999] = "x"

    assert "1 x a cell" in (text := wrong(values))
    assert "line 2001: 'x'" in text


def test_a_row_without_a_time_is_named():
    assert "1 x a row has no time\n    line 3" in wrong(["2012-01-01", None])


def test_times_out_of_reach_are_refused():
    assert "outside the years 1678 to 2261" in wrong([10**15], pa.timestamp("s", "UTC"))
    assert "the time column is bool" in wrong([True])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["2024-01-02", "{}"], None),
        (["2024-01-02 10:00:00", "{} 10:00:00"], None),
        (["2024-01-02T10:00:00Z", "{}T10:00:00Z"], None),
        (["2024-01-02", "{}"], pa.date32()),
        (["2024-01-02", "{}"], pa.date64()),
        (["2024-01-02 10:00:00", "{} 10:00:00"], pa.timestamp("us")),
        (["2024-01-02 10:00:00", "{} 10:00:00"], pa.timestamp("s")),
    ],
)
@pytest.mark.parametrize("day", ["0001-01-01", "1677-12-31", "2262-01-01", "2262-04-12", "9999-12-31"])
def test_a_year_that_ns_do_not_reach_is_refused_with_its_row(values, kind, day):
    texts = pa.array([value.format(day) for value in values])

    said = wrong(
        texts if kind is None else texts.cast(pa.date32() if kind == pa.date64() else kind).cast(kind)
    )

    assert f"1 x a time is outside the years 1678 to 2261\n    line 3: {day}" in said


def test_the_last_day_and_the_first_that_are_read_are_exact():
    days = ["1678-01-01", "2261-12-31"]

    assert read(days) == ([(date.fromisoformat(day) - date(1970, 1, 1)).days * DAY for day in days], True)


def test_a_zone_or_unit_that_does_not_exist_is_a_mistake_of_the_configuration():
    with pytest.raises(ConfigError, match="zone 'Berlin' is not a time zone"):
        read(["2024-01-31 09:30:00"], zone="Berlin")
    with pytest.raises(ConfigError, match="unit 'mss' is not a unit of time; did you mean ms"):
        read([1], unit="mss")
