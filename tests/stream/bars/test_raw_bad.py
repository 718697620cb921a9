"""Files with defects in known places, and the verdict that each deserves, beside what is found."""

import json
from pathlib import Path

import numpy as np
import pytest

from flotilla.stream.bars.options import Options
from flotilla.stream.bars.quality.check import look_at

HERE = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "raw_bad" / "expected.json"
ENTRIES = {each["file"]: each for each in json.loads(HERE.read_text())} if HERE.is_file() else {}

# Another verdict than the list's, and why it is the better one here.
BETTER = {
    "made/no_volume.parquet": (
        "warn",
        "bars may be without volume: nobody computes with it unasked",
    ),
    "made/dst_fold_lost_hour.csv": (
        "quarantine",
        "an hour of which nobody can know which it is may not be loaded at a guess; the other 70 rows may",
    ),
}
# Codes beyond the list's, and why each is true of that file.
MORE = {
    "made/epoch_units_mixed.csv": {"timestamp_type": "no unit is given either"},
    "made/dst_fold_lost_hour.csv": {"gap": "the hour that is lost is missing"},
    "made/impossible_dates.csv": {"gap": "the three sessions whose dates were damaged have no bar"},
    "made/stale_flat.csv": {"zero_volume": "60 of 390 bars have none"},
    "made/future_bars.csv": {"gap": "minutes of the night without a trade, and the one with the wrong month"},
    "real/nifty50_20190102_trade.zip": {"gap": "one minute is missing"},
    "real/fesx_20240621_trade.zip": {"gap": "minutes without a trade"},
    "real/bad.csv": {
        "month_first": "how the dates are read is said",
        "scale": "prices off by 1e5 and 1e-6 are scales",
        "stale": "ten days of the smallest prices are the same",
    },
    "real/mismatch.csv": {"month_first": "how the dates are read is said"},
    "real/zeros.csv": {"month_first": "how the dates are read is said", "bom": "it has one"},
    "real/india_1m_flat.csv": {"stale": "stretches of an option that nobody traded"},
}


@pytest.fixture
def folder(shared):
    return shared / "data" / "raw_bad"


def looked(folder, entry):
    return look_at(folder / entry["file"], Options(zone=entry.get("timezone")))


def found(look, *codes):
    return [each for each in look.findings if each.code in codes]


@pytest.mark.parametrize("name", ENTRIES or ["none"])
def test_a_file_gets_the_verdict_that_it_deserves(folder, name):
    entry = ENTRIES[name]

    look = looked(folder, entry)

    verdict, _ = BETTER.get(name, (entry["verdict"], ""))
    assert str(look.verdict) == verdict, "\n".join(map(str, look.findings))
    assert set(entry["codes"]) <= set(look.codes)
    assert set(look.codes) - set(entry["codes"]) == set(MORE.get(name, {}))


def texts(look):
    """Return all that is shown of all findings."""
    return "\n".join(place for each in look.findings for place in each.places)


STAMPED = [
    name
    for name, entry in ENTRIES.items()
    if isinstance(entry.get("where"), list) and all(isinstance(place, str) for place in entry["where"])
]


@pytest.mark.parametrize("name", STAMPED or ["none"])
def test_each_place_is_named_by_its_time(folder, name):
    look = looked(folder, ENTRIES[name])

    shown = texts(look)

    where = ENTRIES[name]["where"]
    twice = [
        place for place in where if where.count(place) > 1
    ]  # of an hour that comes twice the other days are sound
    for place in twice or where:
        assert place in shown or place.replace(" ", "T") in shown or within(place, shown), place


def within(place, shown):
    """Say whether a stamp lies in a stretch that is told by its first and its last, "FIRST to LAST"."""
    for line in shown.splitlines():
        first, to, last = line.partition(" to ")
        if to and first.split()[-1] <= place <= last.split(":  ")[0][: len(place)]:
            return True
    return False


ROWS = [
    name
    for name, entry in ENTRIES.items()
    if isinstance(entry.get("where"), list) and all(isinstance(place, int) for place in entry["where"])
]


@pytest.mark.parametrize("name", ROWS or ["none"])
def test_each_place_is_named_by_its_row(folder, name):
    entry = ENTRIES[name]

    look = looked(folder, entry)

    rows = {row for each in look.findings if each.code in entry["codes"] for row in each.rows}
    assert set(entry["where"]) <= rows


def test_of_duplicates_the_same_is_dropped_and_the_others_are_both_named(folder):
    entry = ENTRIES["made/duplicate_timestamps.csv"]

    look = looked(folder, entry)

    (exact,), (conflict,) = found(look, "duplicate_exact"), found(look, "duplicate_conflict")
    assert (exact.count, conflict.count) == (1, 2)
    assert entry["where"]["exact"] in exact.places[0]
    assert all(entry["where"]["conflict"] in place for place in conflict.places)
    assert len({look.sheet.cells(row)[5] for row in conflict.rows}) == 2  # both closes


def test_everything_is_told_in_one_look_with_its_counts(folder):
    look = looked(folder, ENTRIES["made/everything.csv"])

    counts = {each.code: each.count for each in look.findings}

    assert counts["gap"] == 10
    assert counts["duplicate_exact"] == counts["ohlc_inconsistent"] == counts["nan_price"] == 1
    assert counts["unsorted"] in (1, 2)


def test_counts_are_those_that_were_made(folder):
    counts = {
        name: {each.code: each.count for each in looked(folder, ENTRIES[f"made/{name}"]).findings}
        for name in ("missing_bars.csv", "nan_cells.csv", "ohlc_inconsistent.csv", "negative_zero_price.csv")
    }

    assert counts == {
        "missing_bars.csv": {"gap": 18},
        "nan_cells.csv": {"nan_price": 5, "nan_volume": 1, "infinite": 1},
        "ohlc_inconsistent.csv": {"ohlc_inconsistent": 4},
        "negative_zero_price.csv": {"non_positive_price": 3},
    }


def test_a_few_bad_rows_of_a_real_file_are_told_by_what_is_wrong_with_them(folder):
    look = looked(folder, ENTRIES["real/bad.csv"])

    rows = {each.code: set(each.rows) for each in look.findings}

    assert rows["bad_date"] == set(range(200, 250))
    assert set(range(449, 499)) <= rows["nan_price"]
    assert {356, 357, 398} <= rows["non_positive_price"]
    assert rows["negative_volume"] == {358}
    assert {360, 361} <= rows["ohlc_inconsistent"]


def test_a_file_whose_offsets_are_mixed_is_the_clean_session_in_utc(folder):
    mixed = looked(folder, ENTRIES["made/mixed_offsets.csv"])
    clean = looked(folder, ENTRIES["made/stale_flat.csv"])  # the same session, with its stamps in UTC

    np.testing.assert_array_equal(mixed.times.ts, clean.times.ts)


def test_the_hour_of_autumn_comes_twice_in_order(folder):
    look = looked(folder, ENTRIES["made/dst_fold_local.csv"])

    assert set(np.diff(look.times.ts)) == {3_600_000_000_000}


def test_what_is_clean_is_called_clean(shared):
    names = (
        "equity/PENNY_bars_1d.parquet", "equity/bars_1d_zipline_2012_2014.parquet",
        "equity/close_1d_factor_etfs.parquet", "index/SX5E_bars_1m.parquet",
        "crypto/binance_BTCUSDT-PERP_trades.parquet", "forex/oanda_quote_bars_1d.parquet",
        "copyleft/crypto/BTC-PERP_bars_1m.parquet", "options/SPXW_2021-01_bars_1m.parquet",
        "futures/contracts.parquet",
    )  # fmt: skip

    assert [name for name in names if look_at(shared / "data" / name, Options()).codes] == []
