"""Files with known defects, found or made: each is refused with its reasons, or loads."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from flotilla.builtin.sources.csv import Csv
from flotilla.builtin.sources.parquet import Parquet
from flotilla.errors import DataError, OutOfOrderError

# Their defects show only against a calendar, a contract or the rows around: that is for checks of the data.
LOADS = {
    "made/missing_bars.csv",
    "made/bom_crlf.csv",
    "made/price_scaled_int.parquet",
    "made/no_volume.parquet",
    "made/mixed_offsets.csv",
    "made/weekend_and_holiday.csv",
    "made/mixed_frequency.csv",
    "made/spikes.csv",
    "made/stale_flat.csv",
    "made/claimed_adjusted_but_raw.csv",
    "real/india_1m_flat.csv",
}


def source_of(path: Path, **options):
    return Parquet(path=str(path), **options) if path.suffix == ".parquet" else Csv(path=str(path), **options)


def test_files_with_defects_are_refused_with_their_name_and_never_by_accident(shared):
    folder = shared / "data" / "raw_bad"
    told, loaded = {}, {}

    for entry in json.loads((folder / "expected.json").read_text()):
        try:
            loaded[entry["file"]] = source_of(folder / entry["file"]).panel()
        except DataError as error:
            told[entry["file"]] = str(error)

    assert loaded.keys() == LOADS
    assert [text for name, text in told.items() if not text.startswith(Path(name).name)] == []
    assert [text for text in told.values() if "mend:" not in text] == []


@pytest.mark.parametrize(
    ("name", "findings"),
    [
        (
            "duplicate_timestamps.csv",
            ["2 x an instrument has two rows", "13:45:00Z close 48.72", "close 48.51"],
        ),
        ("out_of_order.csv", ["1 x a row goes back in time", "2013-10-08T16:28:00Z"]),
        ("nan_cells.csv", ["low '-'", "1 x close is infinite", "only some of its prices"]),
        ("negative_zero_price.csv", ["16:22:00Z", "17:46:00Z", "19:52:00Z"]),
        ("ohlc_inconsistent.csv", ["4 x a bar breaks", "line 59 2013-10-08T14:27:00Z"]),
        ("wrong_dtype.csv", ["4 x a cell is not a number", "'1,192.82'", "'abc'", "'4.1M'", "'$191.16'"]),
        ("cut_last_line.csv", ["too few cells", "line 503: IBM,2012-12-31,188.88,"]),
        ("bitrot.parquet", ["a column cannot be decoded", "ts: ZSTD"]),
        ("naive_and_aware.csv", ["195 x a time has no zone, while 195 of 390 have one"]),
        ("impossible_dates.csv", ["'2012-02-30'"]),
        ("swapped_columns.csv", ["high and low look swapped in 502 bars of 502"]),
        ("symbol_spelling.csv", ["'AIG' and 'aig' and 'AIG '"]),
        ("everything.csv", ["goes back in time", "two rows", "only some of its prices", "breaks low"]),
    ],
)
def test_known_defects_are_found_where_they_are(shared, name, findings):
    with pytest.raises(DataError) as caught:
        source_of(shared / "data" / "raw_bad" / "made" / name).panel()

    assert [what for what in findings if what not in str(caught.value)] == []


def test_offsets_of_any_zone_give_the_panel_of_the_clean_file(shared):
    made = shared / "data" / "raw_bad" / "made"
    clean = Parquet(path=str(shared / "data" / "equity" / "bars_1m.parquet"))

    mixed = source_of(made / "mixed_offsets.csv").panel()
    session = clean.panel(date(2013, 10, 8), date(2013, 10, 8), ["AIG"])

    n = np.searchsorted(session.ts_event, mixed.ts_event[0])
    assert session.rows(n, n + 390).ts_event.tolist() == mixed.ts_event.tolist()
    assert np.array_equal(session.rows(n, n + 390).fields["close"], mixed.fields["close"])


def test_the_zone_decides_what_local_times_are(shared):
    made = shared / "data" / "raw_bad" / "made"

    assert source_of(made / "ts_naive.parquet", zone="UTC").panel().shape == (390, 1)
    with pytest.raises(DataError, match="a time does not exist in Europe/Berlin"):
        source_of(made / "dst_gap_local.csv", zone="Europe/Berlin").panel()
    # The hour that comes twice is there twice, in order: its second pass is an hour later.
    steps = np.diff(source_of(made / "dst_fold_local.csv", zone="Europe/Berlin").panel().ts_event)
    assert set(steps.tolist()) == {3_600_000_000_000}


def test_numbers_are_read_in_the_unit_that_is_given(shared):
    made = shared / "data" / "raw_bad" / "made"

    assert source_of(made / "ts_int_ms.parquet", unit="ms").panel().shape == (390, 1)
    with pytest.raises(DataError, match="a time is not s since 1970"):
        source_of(made / "epoch_units_mixed.csv", unit="s").panel()


def test_order_alone_is_an_error_of_order(shared):
    with pytest.raises(OutOfOrderError, match="goes back in time"):
        source_of(shared / "data" / "raw_bad" / "made" / "out_of_order.csv").panel()
