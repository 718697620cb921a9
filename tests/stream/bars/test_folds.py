import numpy as np
import pytest

from flotilla.errors import ConfigError, DataError
from flotilla.stream.bars.findings import Findings
from flotilla.stream.bars.folds import utc_of, wall_in, zone_of


def read(walls, zone="America/New_York", groups=None, newest_first=False):
    findings = Findings("a.csv")
    wall = np.array(walls, "M8[ns]").astype(np.int64)
    owners = None if groups is None else (lambda: np.array(groups))
    ts = utc_of(wall, zone, findings, lambda n: f"line {n + 2}", owners, newest_first=newest_first)
    findings.raise_if_any()
    return [str(at)[11:16] for at in ts.astype("M8[ns]")]


AUTUMN = ["2024-11-03T00:30", "2024-11-03T01:30", "2024-11-03T01:30", "2024-11-03T02:30"]


def test_the_hour_that_comes_twice_is_read_where_the_order_tells():
    assert read(AUTUMN) == ["04:30", "05:30", "06:30", "07:30"]
    assert read(AUTUMN[::-1], newest_first=True) == ["07:30", "06:30", "05:30", "04:30"]


def test_each_instrument_has_its_own_order():
    walls = [AUTUMN[1], AUTUMN[1], AUTUMN[2], AUTUMN[2]]

    assert read(walls, groups=[0, 1, 0, 1]) == ["05:30", "05:30", "06:30", "06:30"]
    assert read(walls, groups=[0, 1, 1, 0]) == ["05:30", "05:30", "06:30", "06:30"]


def test_one_pass_alone_is_refused():
    with pytest.raises(DataError, match="1 x a time comes twice in America/New_York"):
        read([*AUTUMN[:2], AUTUMN[3]])


def test_the_hour_that_never_comes_is_refused():
    with pytest.raises(DataError, match="1 x a time does not exist in America/New_York"):
        read(["2024-03-10T01:30", "2024-03-10T02:30", "2024-03-10T03:30"])


def test_a_clock_needs_its_zone_and_the_zone_must_be_one():
    with pytest.raises(DataError, match="2 x a time has no zone\n    line 2: 2024-11-03T00:30:00"):
        read(AUTUMN[:2], zone=None)
    with pytest.raises(ConfigError, match="zone 'Mars' is not a time zone"):
        zone_of("Mars")


def test_the_clock_on_the_wall_is_what_it_says_there():
    ts = np.array(["2024-03-08T05:00", "2024-03-11T04:00"], "M8[ns]").astype(np.int64)

    assert (wall_in(ts, "America/New_York") % 86_400_000_000_000).tolist() == [0, 0]
