import numpy as np
import pytest

from flotilla.errors import ConfigError, DataError
from flotilla.stream.bars.epochs import are_days, check_unit, ns_of
from flotilla.stream.bars.findings import Findings


def read(values, unit):
    findings = Findings("a.csv")
    ns, is_wall = ns_of(np.array(values), unit, findings, lambda n: f"line {n + 2}")
    findings.raise_if_any()
    return [str(at)[:19] for at in ns.astype("M8[ns]")], is_wall


def wrong(values, unit=None):
    with pytest.raises(DataError) as caught:
        read(values, unit)
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (1704205800, "s"),
        (1704205800000, "ms"),
        (1704205800000000, "us"),
        (1704205800000000000, "ns"),
        (1704205800.0, "s"),
    ],
)
def test_a_number_is_a_time_in_its_unit(value, unit):
    assert read([value], unit) == (["2024-01-02T14:30:00"], False)


def test_the_unit_of_each_may_be_told_by_its_size():
    assert read([1704205800, 1704205860000, 1704205920000000], "epoch")[0] == [
        "2024-01-02T14:30:00",
        "2024-01-02T14:31:00",
        "2024-01-02T14:32:00",
    ]


def test_serial_days_are_those_of_a_spreadsheet():
    assert read([45292, 45293], "excel") == (["2024-01-01T00:00:00", "2024-01-02T00:00:00"], True)
    assert read([45292.5, 45293.75], "excel")[0] == ["2024-01-01T12:00:00", "2024-01-02T18:00:00"]
    assert "it would be before 1927 or after 2119" in wrong([1704205800], "excel")


def test_numbers_never_land_in_1970():
    serials = [45292, 45293]

    assert "say unit: excel (45292 is then 2024-01-01)" in wrong(serials)
    for unit in ("s", "ms", "us", "ns"):
        assert "2 x a time would be in 1970" in wrong(serials, unit)
        assert "say unit: excel" in wrong(serials, unit)
    assert "they look like dates written 20240102: leave unit out" in wrong([20240102, 20240103], "s")
    assert "as s the first is 2024-01-02T14:30:00Z" in wrong([1704205800], "ms")


def test_a_count_of_rows_is_no_time():
    assert "it counts rows; give the column of times" in wrong([0, 1, 2])
    assert "it counts rows" in wrong([0, 1, 2], "s")


def test_times_before_and_after_1970_are_fine():
    assert read([-252460800, 1704205800], "s")[0][0] == "1962-01-01T00:00:00"


def test_what_is_no_whole_number_is_told():
    assert "1 x a time is not a whole number\n    line 2: 1704205800.5" in wrong([1704205800.5], "s")


def test_dates_written_as_numbers_are_known():
    assert are_days(np.array([20240102, 19991231]))
    assert not are_days(np.array([20241302]))
    assert not are_days(np.array([1704205800]))


def test_a_unit_that_does_not_exist_is_a_mistake_of_the_configuration():
    with pytest.raises(ConfigError, match="unit 'mss' is not a unit of time; did you mean ms"):
        check_unit("mss")
