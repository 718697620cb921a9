import numpy as np
import pyarrow as pa
import pytest

from flotilla.clock import DAY_NS
from flotilla.errors import ConfigError, DataError
from flotilla.stream.bars.findings import Findings
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.sessions import sessions_of
from flotilla.stream.bars.stamps import stamps_of

HOUR = 3_600_000_000_000


def read(values, kind=None, **options):
    findings, how = Findings("a.csv"), Options(**options)
    times = stamps_of(pa.array(values, kind), how, findings, lambda n: f"line {n + 2}")
    findings.raise_if_any()
    return sessions_of(times, how, "a.csv")


def days(sessions):
    assert sessions.step == DAY_NS
    return [str(day) for day in sessions.ts.astype("M8[ns]").astype("M8[D]")]


def wrong(values, kind=DataError, **options):
    with pytest.raises(kind) as caught:
        read(values, **options)
    return str(caught.value)


SAME = {
    "in India": ["2024-03-08 00:00:00+05:30", "2024-03-11 00:00:00+05:30"],
    "in New York, over the change of clocks": ["2024-03-08 00:00:00-05:00", "2024-03-11 00:00:00-04:00"],
    "in UTC": ["2024-03-08T00:00:00Z", "2024-03-11T00:00:00Z"],
    "in London, to the end of summer": ["2024-03-08 00:00:00+00:00", "2024-03-11 00:00:00+00:00"],
}


@pytest.mark.parametrize("values", SAME.values(), ids=SAME)
def test_midnights_where_they_were_written_are_session_dates(values):
    sessions = read(values)

    assert days(sessions) == ["2024-03-08", "2024-03-11"]
    assert (sessions.zone, sessions.remark) == ("UTC", None)


def test_midnights_of_a_typed_column_are_those_of_its_zone():
    values = np.array(["2024-03-08T05:00", "2024-03-11T04:00"], "M8[us]").astype(np.int64)

    assert days(read(values, pa.timestamp("us", "America/New_York"))) == ["2024-03-08", "2024-03-11"]


def test_midnights_of_an_exchange_in_utc_are_its_dates_where_the_zone_is_said():
    values = ["2024-03-08T05:00:00Z", "2024-03-11T04:00:00Z", "2024-03-12T04:00:00Z"]

    assert days(read(values, zone="America/New_York")) == ["2024-03-08", "2024-03-11", "2024-03-12"]
    text = wrong(values)
    assert "its bars are days, but begin at 05:00:00Z UTC" in text
    assert "they are midnights of America/New_York: say zone: America/New_York" in text
    assert "say zone: Asia/Kolkata" in wrong(["2024-01-01T18:30:00Z", "2024-01-02T18:30:00Z"])


def test_days_stamped_at_another_hour_are_those_of_their_dates():
    closes = ["2024-03-08 16:00:00-05:00", "2024-03-11 16:00:00-04:00", "2024-03-12 13:00:00-04:00"]

    sessions = read(closes)

    assert days(sessions) == ["2024-03-08", "2024-03-11", "2024-03-12"]
    assert "stamped 13:00 or 16:00 (their own offset) are taken as the days of their dates" in sessions.remark
    opens = ["2024-03-08T14:30:00Z", "2024-03-11T13:30:00Z"]
    assert days(read(opens, zone="America/New_York")) == ["2024-03-08", "2024-03-11"]


def test_days_that_begin_in_the_evening_are_not_guessed():
    evenings = ["2024-01-01 17:00:00-05:00", "2024-01-02 17:00:00-05:00"]

    assert "stamped 17:00:00 by their own offset: which date each is of cannot be seen" in wrong(evenings)
    sessions = read(evenings, frequency="1d")
    assert (sessions.ts[0] % DAY_NS, sessions.step) == (22 * HOUR, DAY_NS)


def test_bars_within_a_day_keep_their_stamps_and_have_the_zone_that_was_said():
    values = ["2024-03-08 09:30:00-05:00", "2024-03-08 10:30:00-05:00"]

    assert read(values)[1:3] == (HOUR, "UTC")
    assert read(values, zone="America/New_York")[1:3] == (HOUR, "America/New_York")
    assert read(["20240308 09:30:00 US/Eastern", "20240308 10:30:00 US/Eastern"])[1:3] == (HOUR, "US/Eastern")


@pytest.mark.parametrize(
    ("typed", "zone"),
    [("America/New_York", "America/New_York"), ("-05:00", "UTC"), ("UTC", "UTC"), ("Etc/GMT+5", "UTC")],
)
def test_a_typed_column_tells_its_zone_but_an_offset_is_none(typed, zone):
    kind, values = pa.timestamp("ns", typed), [DAY_NS + 14 * HOUR, DAY_NS + 15 * HOUR]

    assert read(values, kind).zone == zone
    assert read(values, kind, zone="Asia/Tokyo").zone == "Asia/Tokyo"
    evenings = [DAY_NS + 23 * HOUR, 2 * DAY_NS + 23 * HOUR]
    assert read(evenings, kind, frequency="1d").ts.tolist() == evenings


def test_a_frequency_that_the_rows_contradict_is_refused():
    daily = ["2024-03-08T14:30:00Z", "2024-03-11T14:30:00Z"]
    hourly = ["2024-03-08T14:00:00Z", "2024-03-08T15:00:00Z", "2024-03-08T16:00:00Z"]
    minutes = ["2024-03-08T14:00:00Z", "2024-03-08T14:01:00Z"]

    text = wrong(daily, frequency="1h")
    assert "frequency 1h, but no two bars begin nearer than 3 days" in text
    assert "2024-03-08T14:30:00Z and 2024-03-11T14:30:00Z: a close would be known before its bar ends" in text
    assert "no two bars begin nearer than 1 hour" in wrong(hourly, frequency="1m")
    assert "frequency 1d, but bars begin 1 minute apart" in wrong(minutes, frequency="1d")
    assert "has dates, so its bars are days and not 1h" in wrong(SAME["in UTC"], ConfigError, frequency="1h")


def test_a_frequency_shorter_than_the_steps_is_fine_where_the_steps_do_not_tell():
    sparse = ["2024-03-08T14:00:00Z", "2024-03-08T14:05:00Z", "2024-03-08T14:12:00Z"]

    assert read(sparse, frequency="1m").step == HOUR // 60
    assert read(sparse[:2], frequency="1m").step == HOUR // 60
