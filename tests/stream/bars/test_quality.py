"""Each detector on a few rows whose defect is made here; the files of ../shared are in test_raw_bad.py."""

import zipfile

import numpy as np
import pyarrow as pa
import pytest

from flotilla.errors import ConfigError
from flotilla.stream.bars.findings import Findings, Verdict
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.quality import (
    calendar,
    contracts,
    duplicates,
    frequency,
    gaps,
    kinds,
    order,
    scale,
    ticks,
    trades,
    values,
)
from flotilla.stream.bars.quality.archive import entries_of
from flotilla.stream.bars.quality.check import look_at
from flotilla.stream.bars.quality.lean import lean_text
from flotilla.stream.bars.quality.rows import spelled
from flotilla.stream.bars.quality.sheet import sheet_numbers
from flotilla.stream.bars.series.mixed import weekdays_only

DAY = 86_400_000_000_000
MINUTE = 60_000_000_000
MONDAY = 19_730 * DAY  # 2024-01-08
NAN = float("nan")


def ints(*numbers):
    return np.array(numbers, np.int64)


def minutes(*numbers):
    return MONDAY + ints(*numbers) * MINUTE


def floats(*numbers):
    return np.array(numbers, np.float64)


def where(mask):
    return np.flatnonzero(mask).tolist()


@pytest.fixture
def csv(tmp_path):
    """Return what writes rows under a header and looks at them."""

    def look(header, *rows, name="prices.csv", calendar=None, **options):
        path = tmp_path / name
        path.write_text("\n".join([header, *rows]) + "\n")
        return look_at(path, Options(**options), calendar)

    return look


def codes(look):
    return {each.code: each.count for each in look.findings}


# values


def test_values_that_no_market_makes():
    bar = {"open": floats(1, 1, -1, NAN), "close": floats(1, np.inf, 1, 1), "volume": floats(5, 5, 5, 5)}

    assert where(values.infinite(bar)) == [1]
    assert where(values.not_positive(bar)) == [2]
    assert where(values.without_price(bar)) == [3]


def test_a_high_below_a_close_breaks_a_bar_and_two_columns_may_be_swapped():
    bar = {"open": floats(2, 2), "high": floats(1, 3), "low": floats(3, 1), "close": floats(2, 2)}

    assert where(values.inconsistent(bar)) == [0]
    assert values.swapped(bar) == 1
    assert values.swapped({"close": floats(1)}) == 0


def test_a_volume_of_a_fraction_is_odd_among_whole_ones_only():
    assert where(values.fractional(floats(*[100] * 30, 12.5))) == [30]
    assert where(values.fractional(floats(0.5, 1.25, 3.0))) == []
    assert where(values.overflowing(floats(1, 2.0**63))) == [1]


# duplicates and order


def test_a_row_that_comes_again_is_a_repeat_and_a_different_one_a_conflict():
    ts, who = ints(1, 1, 2, 2, 2), ints(0, 0, 0, 0, 1)

    repeats, conflicts = duplicates.duplicates(ts, who, [floats(5, 5, 6, 7, 6), floats(NAN, NAN, 1, 1, 1)])

    assert where(repeats) == [1]
    assert where(conflicts) == [2, 3]


def test_the_fewest_rows_are_in_the_wrong_place():
    ts = ints(1, 2, 9, 3, 4)

    assert where(order.goes_back(ts)) == [3]
    assert where(order.misplaced(ts)) == [2]
    assert where(order.misplaced(ints(1, 2, 2, 3))) == []


# gaps, lengths, sessions


def test_a_bar_that_is_missing_inside_a_day_is_a_gap_and_a_long_pause_is_not():
    ts = minutes(*range(10), *range(12, 60), *range(150, 200))

    found = gaps.missing_inside(ts, MINUTE, [])

    assert found == []  # of 200 minutes 108 are there: a quiet market
    found = gaps.missing_inside(ts[:58], MINUTE, [])
    assert found == [gaps.Gap(int(minutes(10)[0]), int(minutes(11)[0]), 2)]


def test_a_stretch_of_longer_bars_misses_none():
    ts = minutes(*range(60), *range(60, 120, 5), *range(120, 600))

    (run,) = frequency.other_lengths(ts, MINUTE)

    assert ts[[run.a, run.b]].tolist() == minutes(59 + 1, 120).tolist()
    assert gaps.missing_inside(ts, MINUTE, [run]) == []


def test_the_usual_step_is_the_most_frequent():
    assert frequency.usual_step(minutes(0, 1, 2, 5)) == MINUTE
    assert frequency.usual_step(minutes(0)) == 0
    assert frequency.other_lengths(minutes(0, 5, 7, 20), MINUTE) == []


def test_a_pause_at_the_same_time_of_most_days_is_lunch():
    day = [*range(30), *range(45, 90)]
    ts = np.concatenate([minutes(*day) + n * DAY for n in range(3)])

    assert gaps.missing_inside(ts, MINUTE, []) == []
    assert gaps.missing_inside(ts[:75], MINUTE, [])[0].many == 15


def test_a_day_that_begins_late_among_its_neighbours_lacks_bars():
    full = np.concatenate([minutes(*range(60)) + n * DAY for n in range(7)])
    late = np.delete(full, np.arange(3 * 60, 3 * 60 + 10))

    assert gaps.short_days(full, MINUTE) == []
    assert gaps.short_days(late, MINUTE) == [
        gaps.Gap(MONDAY + 3 * DAY, MONDAY + 3 * DAY + 9 * MINUTE, 10),
    ]


def test_sessions_are_those_of_the_calendar_and_it_is_assumed_where_it_fits():
    days = calendar.sessions("XNYS", 14_977, 15_100)  # 2011

    assert calendar.fits(days)
    assert not calendar.fits(days[::2])
    assert not calendar.fits(days[:5])
    assert gaps.missing_sessions(np.delete(days, 7), days).tolist() == [days[7]]
    assert gaps.missing_sessions(ints(), days).tolist() == []
    with pytest.raises(ConfigError, match=r"no calendar is called 'XNYZ'.*did you mean"):
        calendar.sessions("XNYZ", 14_977, 15_100)


def test_weekdays_alone_are_an_exchange_that_is_not_known():
    days = np.arange(19_730, 19_830)

    assert weekdays_only(days[(days + 3) % 7 < 5])
    assert not weekdays_only(days)


def test_a_bar_on_a_holiday_is_set_aside_and_a_session_without_a_bar_is_told(csv):
    days = calendar.sessions("XNYS", 14_977, 15_200).astype("M8[D]")
    rows = [f"{day},{100 + n % 7}" for n, day in enumerate(days) if n != 50]
    rows.insert(126, "2011-07-04,101")

    look = csv("date,close", *sorted(rows))

    assert codes(look) == {"not_a_session": 1, "gap": 1}
    assert look.verdict is Verdict.QUARANTINE
    assert "2011-07-04" in look.findings[0].places[0]
    assert "XNYS, which fits nearly all days" in look.findings[0].what
    assert str(days[50]) in look.findings[1].places[0]


# scales, ticks, contracts


def test_whole_numbers_that_are_all_multiples_of_a_hundred_look_scaled():
    close = 488_000 + 100 * np.arange(40.0)

    assert scale.looks_scaled({"close": close})
    assert not scale.looks_scaled({"close": close / 10_000})
    assert not scale.looks_scaled({"close": close + 1})


def test_a_price_off_the_grid_of_all_others_is_told_with_the_tick():
    on = 1_600 + 0.25 * np.random.default_rng(1).integers(0, 400, 300)
    off = on.copy()
    off[7] = 1_687.35

    assert ticks.off_tick([on])[0] == 0.0
    tick, rows = ticks.off_tick([off])
    assert (tick, where(rows)) == (0.25, [7])


def test_a_contract_ends_on_its_third_friday_or_with_its_month():
    assert str(contracts.expiry("ES", 2013, 12)) == "2013-12-20"
    assert str(contracts.expiry("GC", 2013, 12)) == "2013-12-31"


# trades, archives, other kinds


def test_trades_that_were_sent_twice_are_a_block_and_equal_times_are_none():
    ts, size = ints(1, 2, 2, 3, 4, 5, 1, 2, 2, 3, 4, 6, 5), np.ones(13)
    price = floats(1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 7, 8)

    again, back = trades.replayed(ts, price, size)

    assert where(again) == [6, 7, 8, 9, 10]
    assert where(back) == [12]


def test_a_table_is_known_by_its_columns():
    assert kinds.kind_of(["TS", "Symbol", "Price", "Size"]) == "trades"
    assert kinds.kind_of(["date", "AAPL", "MSFT"]) == kinds.BAR_TABLE


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("../x.csv", b"a", "unsafe_path"),
        ("/etc/x.csv", b"a", "unsafe_path"),
        ("c:\\x.csv", b"a", "unsafe_path"),
        ("x.csv", b"0" * 3_000_000, "too_large"),
    ],
)
def test_an_archive_is_refused_by_its_names_and_sizes_before_it_is_unpacked(tmp_path, name, text, code):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    findings = Findings("a.zip")

    assert entries_of(tmp_path / "a.zip", findings) == {}
    assert [each.code for each in findings] == [code]


def test_an_archive_that_is_none_is_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 and no more")

    assert look_at(tmp_path / "a.zip", Options()).codes == ["corrupt"]


def test_minutes_as_lean_packs_them_get_their_day_and_their_header():
    told = lean_text("in/20240621_fesx_minute_trade_202406.csv", b"8100000,1,2,1,2,5\n")

    assert told == b"symbol,ts,open,high,low,close,volume\nFESX-202406,2024-06-21 02:15:00,1,2,1,2,5"
    assert lean_text("prices.csv", b"a") == b"a"


# cells


def test_numbers_are_read_as_people_write_them_and_text_is_none():
    cells = pa.array(["1.5", "", "-", "inf", "1e-05", "abc", "1_000", None])

    numbers, wrong = sheet_numbers(cells)

    np.testing.assert_array_equal(numbers, floats(1.5, NAN, NAN, np.inf, 1e-5, NAN, NAN, NAN))
    assert where(wrong) == [5, 6]


def test_a_symbol_is_spelt_as_most_of_its_rows_do():
    assert spelled([" aig", "AIG", "AIG ", "KO"]) == ["AIG", "AIG", "AIG", "KO"]
