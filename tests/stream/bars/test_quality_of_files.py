"""What one look at a small file finds, and what is written of it."""

import pyarrow as pa
import pytest
from pyarrow import parquet

from flotilla.errors import ConfigError, DataError
from flotilla.stream.bars.findings import Finding, Verdict
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.quality.check import look_at
from flotilla.stream.bars.quality.mend import beside_path, mended, write
from flotilla.stream.bars.quality.note import gathered


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


def test_times_that_are_none_are_set_aside_and_the_others_read(csv):
    rows = [f"2024-01-{day:02},{day}" for day in range(1, 29)]
    rows[3], rows[9] = "2024-02-30,4", "soon,10"

    look = csv("date,close", *rows)

    assert codes(look) == {"bad_date": 2}
    assert look.findings[0].rows == (3, 9)
    assert look.times.known.sum() == 26


def test_dates_of_which_the_day_may_come_first_are_asked_for(csv):
    day_first = csv("date,close", *(f"{day:02}/01/2024,1" for day in range(2, 28)))
    month_first = csv("date,close", *(f"01/{day:02}/2024,{day}" for day in range(2, 28)))
    never = csv("date,close", "01/02/2024,1", "02/03/2024,2")

    assert (day_first.codes[0], day_first.verdict) == ("ambiguous_date_format", Verdict.REJECT)
    assert codes(month_first) == {"month_first": 1}
    assert never.verdict is Verdict.REJECT


def test_days_written_without_signs_between_are_dates(csv):
    look = csv("date,close", *(f"202401{day:02},{day}" for day in range(1, 29)))

    assert look.codes == []
    assert look.times.are_dates


def test_numbers_of_seconds_need_their_unit(csv):
    rows = [f"{1_704_067_200 + 60 * n},{n + 1}" for n in range(30)]

    assert csv("ts,close", *rows).codes == ["timestamp_type"]
    assert csv("ts,close", *rows, unit="s").codes == []


def test_instruments_side_by_side_are_looked_at_one_by_one(csv):
    rows = [f"2024-01-{day:02},{day},{'' if day == 9 else 100 * day}" for day in range(1, 29)]

    look = csv("date,A,B", *rows)

    assert look.verdict is Verdict.OK


def test_a_count_of_rows_is_no_instrument_but_a_ticker_may_be_called_as_one(csv):
    rows = [f"2024-01-{day:02},{day - 1},{'x' if day == 9 else day}" for day in range(1, 29)]

    assert codes(csv("date,id,KO", *rows)) == {"not_a_number": 1}  # not a word of a price of zero
    assert codes(csv("date,id,N", *rows)) == {"not_a_number": 1}


def test_a_file_that_is_mostly_bad_is_refused(csv):
    rows = [f"2024-01-{day:02},KO,{'' if day > 9 else day}" for day in range(1, 29)]

    assert csv("date,symbol,close", *rows).verdict is Verdict.REJECT


def test_a_row_without_a_price_is_a_bar_that_did_not_trade_where_all_rows_are_one_instrument(csv):
    one = csv("date,open,close", "2024-01-02,1,1", "2024-01-03,null,null", "2024-01-04,1,1")
    part = csv("date,open,close", "2024-01-02,1,1", "2024-01-03,1,null", "2024-01-04,1,1")

    assert (one.verdict, part.verdict) == (Verdict.WARN, Verdict.QUARANTINE)


def test_newest_first_is_one_thing_to_mend(csv):
    look = csv("date,close", *(f"2024-01-{day:02},{day}" for day in range(28, 0, -1)))

    assert codes(look) == {"unsorted": 1}
    assert mended(look, set_aside=False).good.texts("close")[:2] == ["1", "2"]
    assert csv("date,close", "2024-01-03,1", "2024-01-02,2", sort=True).verdict is Verdict.WARN


def test_rows_of_another_series_are_not_looked_at(csv):
    text = ("symbol,series,open,high,low,close,timestamp,tottrdqty", "A,EQ,1,1,1,1,01-JAN-2024,5")

    look = csv(*text, "A,BE,9,9,9,9,01-JAN-2024,5")

    assert look.codes == []


def test_what_does_not_change_needs_no_times(tmp_path):
    parquet.write_table(
        pa.table({"root": ["ES"], "contract_month": [202403], "multiplier": [50]}), tmp_path / "c.parquet"
    )

    look = look_at(tmp_path / "c.parquet", Options())

    assert (look.kind, look.codes) == ("contracts", [])


# what is said, and what is written


def test_what_was_found_in_each_instrument_is_told_as_one():
    one = Finding(1, "odd", ("A",), "mend", code="x", rows=(1,))

    (both,) = gathered([one, Finding(2, "odd", ("B", "C"), "mend", code="x", rows=(0, 5))])

    assert (both.count, both.places, both.rows) == (3, ("A", "B", "C"), (0, 1, 5))


ROWS = (
    "2024-01-02T14:30:00Z,KO,10,100",
    "2024-01-02T14:32:00Z,KO,11,100",
    "2024-01-02T14:31:00Z,KO ,12,100",
    "2024-01-02T14:31:00Z,KO ,12,100",
    "2024-01-02T14:33:00Z,KO,-1,100",
    "2024-01-02T14:34:00Z,KO,13,100",
)
HEADER = "ts,symbol,close,volume"


def test_a_mended_copy_has_the_good_rows_in_order_and_the_bad_ones_beside_it(csv, tmp_path):
    look = csv(HEADER, *ROWS)
    made = mended(look, set_aside=True)

    written = write(made, tmp_path / "good.csv")

    assert [path.name for path in written] == ["good.bad.csv", "good.csv"]
    assert (tmp_path / "good.csv").read_text().splitlines() == [
        HEADER,
        "2024-01-02T14:30:00Z,KO,10,100",
        "2024-01-02T14:31:00Z,KO,12,100",
        "2024-01-02T14:32:00Z,KO,11,100",
        "2024-01-02T14:34:00Z,KO,13,100",
    ]
    assert (tmp_path / "good.bad.csv").read_text().splitlines() == [
        f"{HEADER},why",
        "2024-01-02T14:33:00Z,KO,-1,100,line 6: non_positive_price",
    ]
    assert made.done == (
        "left out 1 row that came twice",
        "set aside 1 row",
        "sorted the rows by time",
        "spelt each symbol in one way",
    )
    assert look_at(tmp_path / "good.csv", Options()).verdict <= Verdict.WARN


def test_repair_sets_no_row_aside_and_says_why_it_does_not_go(csv):
    with pytest.raises(DataError, match="rows that no repair makes right: non_positive_price"):
        mended(csv(HEADER, *ROWS), set_aside=False)

    made = mended(csv(HEADER, *ROWS[:4]), set_aside=False)

    assert made.bad is None
    assert made.good.length == 3


def test_nothing_is_written_of_what_is_rejected(csv):
    with pytest.raises(DataError, match="is rejected, so nothing of it is written: timestamp_type"):
        mended(csv("ts,close", "1704067200,1", "1704067260,2"), set_aside=True)


def test_nothing_is_written_over(csv, tmp_path):
    made = mended(csv(HEADER, *ROWS), set_aside=True)
    (tmp_path / "good.bad.csv").write_text("mine")

    with pytest.raises(ConfigError, match=r"good.bad.csv is there already, and is not written over"):
        write(made, tmp_path / "good.csv")

    assert not (tmp_path / "good.csv").exists()
    assert beside_path(tmp_path / "good.parquet").name == "good.bad.parquet"


def test_a_mended_copy_may_be_parquet(csv, tmp_path):
    write(mended(csv(HEADER, *ROWS), set_aside=True), tmp_path / "good.parquet")

    assert parquet.read_table(tmp_path / "good.parquet").column("close").to_pylist() == [
        10.0,
        12.0,
        11.0,
        13.0,
    ]


def test_the_same_bar_again_and_again_is_one_stretch(csv):
    rows = [
        f"2024-01-02T14:{n:02}:00Z,{100 + n % 3 if n < 20 or n > 35 else 150},{n or 1}" for n in range(60)
    ]
    flat = [row.rsplit(",", 1)[0] + ",0" if ",150," in row else row for row in rows]

    look = csv("ts,close,volume", *flat)

    stale = next(each for each in look.findings if each.code == "stale")
    assert (stale.count, len(stale.rows)) == (1, 16)


@pytest.mark.parametrize(
    ("table", "codes"),
    [
        ({}, ["missing_column"]),
        ({"date": pa.array([1, 2], pa.date32()), "close": [[1.0], [2.0]]}, ["not_a_number"]),
        (
            {
                "strike": [1.0],
                "right": ["C"],
                "close": [1.0],
                "expiry": ["soon"],
                "date": pa.array([1], pa.date32()),
            },
            [],
        ),
        ({"symbol": ["ES-000001"], "date": pa.array([9], pa.date32()), "close": [1.0]}, ["bad_contract"]),
    ],
)
def test_a_strange_table_is_told_and_never_a_crash(tmp_path, table, codes):
    parquet.write_table(pa.table(table), tmp_path / "x.parquet")

    assert look_at(tmp_path / "x.parquet", Options()).codes == codes


def test_a_year_that_nobody_trades_in_is_no_date(csv):
    rows = [f"2024-01-{day:02},{day}" for day in range(1, 29)]

    assert codes(csv("date,close", *rows, "9999-12-31,1")) == {"bad_date": 1}
