"""What is wrong with bars: one look finds all of it.

1. Cells and rows: what is no number, no price, no bar; twice, out of order, on a day without a session
   (`_look_at_rows`).
2. Each instrument's series, of the rows that are left: jumps, a feed that stands still, gaps, other lengths
   (`_look_at_series`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from flotilla.clock import DAY_NS
from flotilla.model.arrays import Flags, Ints
from flotilla.stream.bars.draft import stamp_text
from flotilla.stream.bars.findings import Verdict
from flotilla.stream.bars.quality import (
    calendar,
    contracts,
    duplicates,
    frequency,
    gaps,
    order,
    scale,
    values,
)
from flotilla.stream.bars.quality.note import Notes
from flotilla.stream.bars.quality.rows import FileRows, prices_of
from flotilla.stream.bars.series import jumps, stale
from flotilla.stream.bars.series.mixed import weekdays_only
from flotilla.words import lasting

WARN, REPAIR, ASIDE, REJECT = Verdict.WARN, Verdict.REPAIR, Verdict.QUARANTINE, Verdict.REJECT
LEAVE = "correct these rows or leave them out"
CODES = {"split": "unexplained_jump", "scale": "scale", "other": "outlier"}
PAUSE = 10 * DAY_NS  # after it a price may be anywhere
ALONE = 60  # usual steps between a row out of order and all others, which no pause explains
FALLS = 0.9  # of the rows go back in time: the order is the other one
MOST = 0.5  # of the bars: where more are wrong, the columns are
WRONG_TIME = ("epoch_zero", "future_date", "after_expiry", "bad_contract")
IDLE = 0.01  # the share of bars without volume that is said


def look(notes: Notes, rows: FileRows, named: str | None, now_ns: int) -> None:
    """Note all that is wrong with bars. named: the exchange's calendar. now_ns: bars after it cannot be."""
    if not len(rows.at):
        return
    good = _look_at_rows(notes, rows, now_ns)
    if not len(good.at):
        return
    if scale.looks_scaled(good.fields):
        median = float(np.median(good.fields["close"]))
        what = f"prices are whole numbers around {median:,.0f}: a fixed point that was not divided out"
        notes.places("scale", WARN, 1, [], what, "divide them, if they are ten thousandths")
    step = good.step
    for series in good.each():
        _look_at_series(notes, series, step)
    _look_at_volume(notes, good)
    misdated = np.isin(
        rows.at, [row for found in notes.findings if found.code in WRONG_TIME for row in found.rows]
    )
    there = rows.only(~misdated)  # a row that is set aside for its prices is no bar that is missing
    for series in there.each():
        _look_at_gaps(notes, series, step, named)
    _look_at_sessions(notes, there, named)


def _look_at_rows(notes: Notes, rows: FileRows, now_ns: int) -> FileRows:
    """Note the rows that are no bars; return those that are."""
    fields = rows.fields
    bad = np.isin(rows.at, sorted(notes.aside))  # of which no number or no time could be read

    def aside(code: str, mask: Flags, what: str, mend: str = LEAVE, verdict: Verdict = ASIDE) -> None:
        mask = mask & ~bad  # a row is told once, by the first that is wrong
        notes.rows(code, verdict, rows.at[mask], what, mend)
        bad[mask] = True

    aside("infinite", values.infinite(fields), "a value is infinite")
    bare = values.without_any_price(fields) & ~bad
    if rows.alone:  # a table of one instrument has a row for each of its times
        mend = "nothing: it is taken as a bar that did not trade"
        notes.rows("nan_price", WARN, rows.at[bare], "a row has no price", mend)
        bad |= bare
    aside("nan_price", values.without_price(fields), "a price is missing")
    not_positive = values.not_positive(fields)
    verdict = REJECT if not_positive.mean() > MOST else ASIDE
    aside("non_positive_price", not_positive, "a price is not above zero", verdict=verdict)
    all_apart = duplicates.duplicates(rows.ts, rows.who, list(fields.values()))[1] & ~bad
    off = contracts.look(notes, rows, bad)
    bad |= off
    _look_at_ranges(notes, rows, bad)
    if "volume" in fields:
        _look_at_volumes(notes, rows, bad, aside)
    first_day = (rows.ts >= 0) & (rows.ts < DAY_NS)
    if not first_day.all():
        aside("epoch_zero", first_day, "a time is 1970-01-01, which an empty one becomes")
    aside("future_date", rows.ts > now_ns + DAY_NS, "a time is in the future")
    bad |= _look_at_order(notes, rows, bad)
    good = np.flatnonzero(~bad)
    again, apart = duplicates.duplicates(
        rows.ts[good], rows.who[good], [column[good] for column in fields.values()]
    )
    mend = "nothing is lost by leaving out the second"
    notes.rows("duplicate_exact", REPAIR, rows.at[good[again]], "a bar comes twice, and is the same", mend)
    conflict = all_apart & off
    conflict[good[apart]] = True
    mend = "keep the true one: which that is cannot be known here"
    notes.rows("duplicate_conflict", ASIDE, rows.at[conflict], "a time has two different bars", mend)
    bad[good[again | apart]] = True
    return rows.only(~bad)


def _look_at_volumes(
    notes: Notes, rows: FileRows, bad: Flags, aside: Callable[[str, Flags, str], None]
) -> None:
    volume = rows.fields["volume"]
    aside("negative_volume", volume < 0, "a volume is below zero")
    aside("volume_overflow", values.overflowing(volume), "a volume has no place in 64 bits")
    aside("fractional_volume", values.fractional(volume), "a volume is no whole number, and the others are")
    mend = "nothing: it is taken as not published"
    notes.rows("nan_volume", WARN, rows.at[np.isnan(volume) & ~bad], "a volume is missing", mend)


def _look_at_ranges(notes: Notes, rows: FileRows, bad: Flags) -> None:
    """Note bars that break low <= open, close <= high, and make them bad."""
    broken = values.inconsistent(rows.fields) & ~bad
    exchanged = values.swapped(rows.fields)
    what = "a bar breaks low <= open, close <= high"
    if broken.mean() > MOST:
        mend = "mend the columns"
        if exchanged > broken.sum() // 2:
            many = f"{exchanged:,} bars of {len(broken):,}"
            mend = f"high and low look swapped in {many}: exchange the two columns"
        notes.rows("ohlc_inconsistent", REJECT, rows.at[broken], what, mend)
        return
    notes.rows("ohlc_inconsistent", ASIDE, rows.at[broken], what, LEAVE)
    bad |= broken


def _look_at_order(notes: Notes, rows: FileRows, bad: Flags) -> Flags:
    """Note rows that go back in time, and say which of them have a wrong date: their prices fit elsewhere."""
    wrong = np.zeros(len(rows.at), np.bool_)
    for who in range(len(rows.names)):
        mine = np.flatnonzero((rows.who == who) & ~bad)
        back = order.goes_back(rows.ts[mine])
        if not back.any():
            continue
        if back.sum() >= FALLS * (len(mine) - 1):
            what = "the rows are newest first"
            notes.stretch("unsorted", REPAIR, rows.at[mine[back]], rows.names[who], what, "sort the rows")
            continue
        odd = mine[order.misplaced(rows.ts[mine])]
        misdated = odd[_misdated(rows, mine, odd)]
        wrong[misdated] = True
        mend = "correct their dates: they fit where they stand, and not where they would be sorted to"
        what = "a row goes back in time"
        notes.rows("unsorted", ASIDE, rows.at[misdated], f"{what}, and its date is wrong", mend)
        rest = mine[~np.isin(mine, misdated)]
        notes.rows("unsorted", REPAIR, rows.at[rest[order.goes_back(rows.ts[rest])]], what, "sort the rows")
        what = "a price does not fit its date: sorted by time it would jump there and back"
        notes.rows("outlier", WARN, rows.at[misdated], what, mend)
    return wrong


def _misdated(rows: FileRows, mine: Ints, odd: Ints) -> Flags:
    """Say of rows in the wrong place whether their price fits it better than their time, bool[len(odd)]."""
    logs = np.log(rows.fields["close"][mine])
    least = max(5.0 * jumps.usual(rows.fields["close"][mine]), 0.05)
    sorted_ = np.argsort(rows.ts[mine], kind="stable")
    fits, alone = np.zeros(len(odd), np.bool_), ALONE * frequency.usual_step(rows.ts[mine[sorted_]])
    place = {int(n): k for k, n in enumerate(mine)}
    rank = {int(mine[n]): k for k, n in enumerate(sorted_)}
    for k, row in enumerate(odd.tolist()):
        here, there = place[row], rank[row]
        stamp = rows.ts[row]
        if (
            min(abs(rows.ts[mine[sorted_[n]]] - stamp) for n in (there - 1, there + 1) if 0 <= n < len(mine))
            > alone
        ):
            fits[k] = True  # years from all others, as a mistyped year is
            continue
        near = [n for n in (here - 1, here + 1) if 0 <= n < len(mine)]
        far = [int(sorted_[n]) for n in (there - 1, there + 1) if 0 <= n < len(mine)]
        apart = min(abs(logs[here] - logs[n]) for n in near)
        fits[k] = apart < least < max(abs(logs[here] - logs[n]) for n in far)
    return fits


def _look_at_series(notes: Notes, series: FileRows, step: int) -> None:
    """Note what is odd in one instrument's bars, in order of time."""
    close, name = series.fields["close"], series.names[int(series.who[0])]
    _look_at_jumps(notes, series, name)
    for run in stale.stale(series.fields):
        if jumps.is_coarse(close, run.a):
            continue
        at, (first, last) = series.at[run.a : run.b + 1], _ends(series, run)
        said = f"{name} {first} to {last}: {run.length} bars at {close[run.a]:g}"
        what = "bars in a row are the same: the feed stood still"
        mend = "leave them out, or ask for them again"
        notes.stretch("stale", WARN, at, said, what, mend)
    if step >= DAY_NS or not step:
        return
    for run in frequency.other_lengths(series.ts, step):
        first, last = _ends(series, run)
        length = lasting(float(series.ts[run.b] - series.ts[run.b - 1]))
        said = f"{name} {first} to {last}: every {length}"
        what = f"bars of another length stand among those of {lasting(step)}"
        notes.stretch(
            "mixed_frequency", WARN, series.at[run.a : run.b + 1], said, what, "give bars of one length"
        )
    what = "a day's first bar stands apart before the others, and has one price: a print of the pre-open"
    early = series.at[_opening(series, step)]
    notes.rows("pre_open_bar", WARN, early, what, "leave it out, if you trade the session")


def _look_at_jumps(notes: Notes, series: FileRows, name: str) -> None:
    close = series.fields["close"]
    odd = jumps.spikes(close)
    for field in ("high", "low"):
        if field in series.fields:
            odd |= jumps.long_wicks(series.fields[field], close)
    what = "a price leaves its neighbours by a lot and is back in the next bar: a bad print"
    notes.rows("outlier", WARN, series.at[odd], what, "look it up; nothing is edited here")
    for jump in jumps.jumps(close):
        apart = series.ts[jump.at] - series.ts[jump.at - 1]
        if odd[jump.at] or odd[jump.at - 1] or apart > PAUSE:
            continue
        when = series.stamp(int(series.ts[jump.at]))
        said = jumps.words(jump, name, when, series.fields.get("volume"))
        what = "a price changes by a lot in one bar, and stays"
        notes.stretch(CODES[jump.kind], WARN, series.at[[jump.at]], said, what, "apply splits, or explain it")


def _ends(series: FileRows, run: stale.StaleRun) -> tuple[str, str]:
    return series.stamp(int(series.ts[run.a])), series.stamp(int(series.ts[run.b]))


def _look_at_gaps(notes: Notes, series: FileRows, step: int, named: str | None) -> None:
    """Note bars that are missing inside days, or inside the sessions of a calendar that is named.

    series: every row of one instrument, good or bad.
    """
    ts = np.unique(series.ts)
    if step >= DAY_NS or not step or len(ts) < 2:
        return
    name = series.names[int(series.who[0])]
    opening = _opening(series, step)
    ts = np.setdiff1d(ts, series.ts[opening])
    others = frequency.other_lengths(ts, step)
    if named is None:
        found = gaps.missing_inside(ts, step, others) + gaps.short_days(ts, step)
        what = "a bar is missing between a day's first and its last"
    else:
        hours = calendar.hours(named, int(ts[0] // DAY_NS), int(ts[-1] // DAY_NS))
        found = gaps.missing_in_sessions(ts, step, hours, others)
        what = f"a bar is missing inside a session ({named})"
    places = (
        f"{name} {series.stamp(gap.first)}"
        + (f" to {series.stamp(gap.last)}: {gap.many}" if gap.many > 1 else "")
        for gap in sorted(found)
    )
    missing = sum(gap.many for gap in found)
    notes.places("gap", WARN, missing, places, what, "ask for them again; nothing is filled here")


def _opening(series: FileRows, step: int) -> Ints:
    """Return the first bars of days that stand apart before the others, with one price: an auction's."""
    days = series.ts // DAY_NS
    first = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
    first = first[first + 2 < len(series.ts)]
    prices = prices_of(series.fields)
    if len(prices) < 4 or not frequency.regular(series.ts, step):
        return first[:0]
    apart, after = series.ts[first + 1] - series.ts[first], series.ts[first + 2] - series.ts[first + 1]
    flat = np.logical_and.reduce([price[first] == series.fields["close"][first] for price in prices])
    alone = flat & (apart >= 3 * step) & (apart <= DAY_NS // 24) & (after == step)
    return first[alone] if alone.sum() * 2 > len(first) else first[:0]


def _look_at_volume(notes: Notes, rows: FileRows) -> None:
    volume = rows.fields.get("volume")
    if volume is None:
        return
    idle = volume == 0
    if idle.all():
        notes.rows(
            "zero_volume", WARN, rows.at, "every volume is 0: an index, or not published", "leave volume out"
        )
    elif idle.mean() > IDLE:
        notes.rows("zero_volume", WARN, rows.at[idle], "a bar has no volume", "nothing, if nobody traded")


def _look_at_sessions(notes: Notes, rows: FileRows, named: str | None) -> None:
    """Note days without a session and, of daily bars, sessions without a bar."""
    rows = rows.only(rows.ts >= calendar.KNOWN_FROM * DAY_NS)
    days = rows.ts // DAY_NS
    if not len(days) or (not rows.are_dates and named is None):
        return
    assumed = named is None and calendar.fits(days)
    name = named or (calendar.DEFAULT if assumed else None)
    if name is None:
        if weekdays_only(days):
            weekend = (days + 3) % 7 >= 5
            notes.rows("not_a_session", ASIDE, rows.at[weekend], "a bar on a Saturday or a Sunday", LEAVE)
        return
    if not rows.are_dates:  # an exchange's evening may be the next day's session, or the next day in UTC
        days = calendar.hours(name, int(days.min()), int(days.max())).day_of(rows.ts)
    sessions = calendar.sessions(name, int(days.min()), int(days.max()))
    by = f"{name}, which fits nearly all days" if assumed else name
    closed = ~np.isin(days, sessions)
    notes.rows("not_a_session", ASIDE, rows.at[closed], f"a bar on a day without a session ({by})", LEAVE)
    for series in rows.each():
        missing = gaps.missing_sessions(np.unique(days[rows.who == series.who[0]]), sessions)
        who = series.names[int(series.who[0])]
        places = (f"{who} {stamp_text(int(day) * DAY_NS, DAY_NS)}" for day in missing)
        what = f"a session has no bar ({by})"
        notes.places("gap", WARN, len(missing), places, what, "ask for them again; nothing is filled here")
