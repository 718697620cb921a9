"""What a source would ask or refuse, a look at the file says; and what a look calls good, a source reads."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from pyarrow import parquet

from flotilla.errors import DataError
from flotilla.stream.bars.draft import panel_of
from flotilla.stream.bars.file import draft_of_file
from flotilla.stream.bars.findings import Verdict
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.quality.check import look_at, look_at_many
from flotilla.stream.bars.quality.mend import mended, write

DAYS = [day for n in range(20) if (day := date(2024, 1, 2) + timedelta(n)).weekday() < 5]
HEADER = "time,open,high,low,close,Volume"


def at(day, hour=0, minute=0):
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def rows(time, of=DAYS):
    return [f"{time(day)},10,11,9,{10 + n / 20},{n + 1}" for n, day in enumerate(of)]


# Each: a header, rows, and the code of what a source asks or refuses; None where it reads them.
FILES = {
    "TradingView's days as dates": (HEADER, rows(str), None),
    "TradingView's days as midnights": (HEADER, rows(lambda day: int(at(day).timestamp())), None),
    "TradingView's days as seconds": (HEADER, rows(lambda day: int(at(day, 14, 30).timestamp())), "odd_days"),
    "TradingView's weeks": (
        HEADER,
        rows(lambda day: int(at(day, 14, 30).timestamp()), DAYS[::5]),
        "odd_days",
    ),
    "days at another hour": (HEADER, rows(lambda day: f"{day}T14:30:00Z"), "odd_days"),
    "days in their own offset": (HEADER, rows(lambda day: f"{day}T09:30:00-05:00"), None),
    "evenings": (HEADER, rows(lambda day: f"{day}T18:00:00-05:00"), "odd_days"),
    "one bar": (HEADER, rows(lambda day: f"{day}T14:30:00Z", DAYS[:1]), "mixed_frequency"),
    "no length": (HEADER, [f"2024-01-02T09:{m:02}:00Z,1,1,1,1,1" for m in (0, 7, 12, 40)], "mixed_frequency"),
    "a clock without a zone": (HEADER, rows(lambda day: f"{day} 16:00:00"), "no_timezone"),
    "months first": (HEADER, rows(lambda day: f"{day:%m/%d/%Y}"), None),
    "days first": (HEADER, rows(lambda day: f"{day:%d/%m/%Y}"), "ambiguous_date_format"),
    "two currencies": (
        "date,symbol,close,currency",
        ["2024-01-02,A,1,USD", "2024-01-02,B,2,EUR"],
        "several_currencies",
    ),
}


def refused_by_a_source(path):
    """Return the codes of what a source refuses of a file."""
    try:
        panel_of(draft_of_file(path, Options()))
    except DataError as error:
        return {found.code for found in error.findings}
    return set()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("end", ["csv", "parquet"])
def test_what_a_source_would_refuse_a_look_refuses(tmp_path, name, end):
    header, lines, code = FILES[name]
    path = tmp_path / f"prices.{end}"
    if end == "csv":
        path.write_text("\n".join([header, *lines]) + "\n")
    else:
        texts = zip(*(line.split(",") for line in lines), strict=True)
        columns = {
            name: list(cells) if name in ("time", "date", "symbol", "currency") else [*map(float, cells)]
            for name, cells in zip(header.split(","), texts, strict=True)
        }
        parquet.write_table(pa.table(columns), path)

    look = look_at(path, Options())

    refused = refused_by_a_source(path)
    assert refused <= {*look.codes}
    assert (look.verdict is Verdict.REJECT) == bool(refused)
    assert look.verdict in (Verdict.OK, Verdict.WARN, Verdict.REJECT)
    if end == "csv":  # a Parquet file of numbers as text is none of TradingView's
        assert (look.verdict is Verdict.REJECT) == (code is not None)
        assert code is None or code in look.codes


def test_the_length_of_bars_is_asked_of_the_good_rows_where_others_are_bad(tmp_path):
    path = tmp_path / "prices.csv"
    lines = rows(lambda day: f"{day}T14:30:00Z")
    path.write_text("\n".join([HEADER, *lines, "2024-02-02T14:30:00Z,1,1,1,-1,1"]) + "\n")

    assert {*look_at(path, Options()).codes} == {"non_positive_price", "odd_days"}
    assert look_at(path, Options(zone="America/New_York")).codes == ["non_positive_price"]
    assert look_at(path, Options(frequency="1d")).codes == ["non_positive_price"]


def test_what_a_source_says_of_a_file_a_look_says_too(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("\n".join([HEADER, *rows(lambda day: int(at(day).timestamp()))]) + "\n")

    assert "times are seconds since 1970" in look_at(path, Options()).remarks[0]


def test_files_that_cannot_stand_side_by_side_are_told_once_each_is_good(tmp_path):
    for name, of in (("KO", DAYS), ("PEP", DAYS), ("XAU", DAYS[::5])):
        (tmp_path / f"{name}.csv").write_text("\n".join([HEADER, *rows(str, of)]) + "\n")

    looks = [look_at(path, Options()) for path in sorted(tmp_path.iterdir())]

    assert [look.verdict for look in looks] == [Verdict.OK] * 3
    assert look_at_many(looks[:2], "data").findings == ()
    assert look_at_many(looks, "data").codes == ["mixed_frequency"]
    assert "weeks or more: XAU.csv" in look_at_many(looks, "data").findings[0].what


def test_the_mended_copy_of_a_file_without_names_is_read_again(tmp_path):
    path = tmp_path / "EURUSD60.csv"
    line = "2007.03.30,16:00,1.3319,1.3325,1.3311,1.3323,512"
    path.write_text("\n".join([line, line, line.replace("16:00", "17:00")]) + "\n")
    options = Options(zone="UTC")

    write(mended(look_at(path, options), False), tmp_path / "good.csv")

    assert panel_of(draft_of_file(tmp_path / "good.csv", options)).shape == (2, 1)
