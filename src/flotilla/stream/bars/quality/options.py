"""Quotes, and what is written on options: contracts that there cannot be, and markets that are crossed."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from flotilla.clock import DAY_NS
from flotilla.stream.bars.findings import Verdict
from flotilla.stream.bars.quality.note import Notes
from flotilla.stream.bars.quality.sheet import sheet_numbers

# Strikes of one expiry lie within a factor of ten; a hundred times the median is a scale, not a strike.
SCALE = 100.0
ASIDE, MEND = Verdict.QUARANTINE, "leave these rows out"


def look_at_quotes(notes: Notes) -> None:
    """Note crossed quotes and sizes below zero. A side that is not quoted is no defect."""
    names = notes.sheet.names
    for bid, ask in (("bid", "ask"), ("bid_close", "ask_close")):
        if bid in names and ask in names:
            low, high = (sheet_numbers(notes.sheet.columns[names[name]])[0] for name in (bid, ask))
            crossed = (low > high) & (low > 0) & (high > 0)
            what = "a quote is crossed: the bid is above the ask"
            notes.rows("crossed_quote", ASIDE, np.flatnonzero(crossed), what, MEND)
    sizes = [sheet_numbers(notes.sheet.columns[names[name]])[0] for name in names if name.endswith("_size")]
    negative = np.logical_or.reduce([size < 0 for size in sizes]) if sizes else np.array([], np.bool_)
    notes.rows("negative_size", ASIDE, np.flatnonzero(negative), "a size is below 0", MEND)


def look_at_contracts(notes: Notes, ts: NDArray[np.int64]) -> None:
    """Note strikes, rights and expiries that cannot be. ts: int64[N] ns, of every row."""
    sheet, names = notes.sheet, notes.sheet.names
    strike, _ = sheet_numbers(sheet.columns[names["strike"]])
    bad = ~(strike > 0)
    notes.rows("bad_strike", ASIDE, np.flatnonzero(bad), "a strike is not above zero", MEND)
    usual = np.median(strike[~bad]) if (~bad).any() else np.nan
    far = ~bad & ((strike > usual * SCALE) | (strike < usual / SCALE))
    what = f"a strike is a hundred times the usual {usual:g}, or a hundredth"
    notes.rows("strike_scale", ASIDE, np.flatnonzero(far), what, MEND)
    rights = [text.strip().upper() for text in sheet.texts("right")]
    odd = [n for n, right in enumerate(rights) if right not in ("C", "P", "CALL", "PUT")]
    notes.rows("bad_right", ASIDE, odd, "a right is neither C nor P", MEND)
    if "expiry" in names:
        days = _days(sheet.columns[names["expiry"]])
        what = "a row is later than its contract's expiry"
        notes.rows("after_expiry", ASIDE, np.flatnonzero(ts // DAY_NS > days), what, MEND)


def _days(column: pa.Array) -> NDArray[np.int64]:
    """Return dates as days since 1970, int64[N]; far away where there is none that can be read."""
    texts = ["" if cell is None else str(cell)[:10] for cell in column.to_pylist()]
    dates = pl.Series(texts, dtype=pl.String).str.to_date("%Y-%m-%d", strict=False)
    return dates.cast(pl.Int32).cast(pl.Int64).fill_null(np.iinfo(np.int64).max // DAY_NS).to_numpy()
