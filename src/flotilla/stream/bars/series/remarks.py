"""What a reader of results must know of the bars behind them, found without being asked, in sentences.

Only what is grave, and cheap to find: it is looked for at each load. `flotilla data check` looks at all.

1. A bar's change like a split's, or to a quarter or four times the price (`_jumps`).
2. Ten closes and more that are the same (`_stale`).
3. Two weeks and more without a bar, or a longer bar that is missing (`_holes`).
4. Bars of weeks, months or years, and when each is taken as known (`early`).
5. Bars of weekends, and of days among shorter ones (`mixed.py`).
6. A first day of 1970-01-01 and a last one in the future (`_ends`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from flotilla.clock import DAY_NS, now_ns
from flotilla.model.arrays import Floats, Stamps
from flotilla.stream.bars.series.jumps import Jump, is_coarse, jumps_in, ratio_of, spikes_in, steps_of, words
from flotilla.stream.bars.series.mixed import daily_among_shorter, weekend_bars
from flotilla.stream.bars.series.pauses import HOLE, early, holes
from flotilla.stream.bars.series.stale import SAME, stale
from flotilla.words import counted

GRAVE = 4.0  # a change that is no split's, by which a price is another's or a wrong one
MOVES = 1.8  # a change from which on a column is looked at
PAUSE = 10 * DAY_NS  # after it a price may be anywhere: that there is no bar is said instead
MOST = 3  # sentences of a kind; the rest is counted
_BLOCK = 1_000_000  # closes looked at in one go, so that a wide panel is not there twice

_ENDS = {
    "spike": ", and is back in the next bar: a wrong price",
    "other": ": a split, another instrument or a wrong price",
}


def series_remarks(
    ts: Stamps, step: int, instruments: Sequence[str], fields: Mapping[str, Floats]
) -> tuple[str, ...]:
    """Return the sentences, gravest kind first. ts: int64[T] ns, rising; step: ns; fields: float64[T, I]."""
    if not len(ts):
        return ()
    kinds = (
        (_ends(ts, step), "times"),
        (early(ts) if step == DAY_NS else (), "dates"),
        (weekend_bars(ts) if step == DAY_NS else daily_among_shorter(ts, step), "lengths"),
        (_jumps(ts, step, instruments, fields), "jumps"),
        (_holes(ts, step, instruments, fields["close"]), "stretches without bars"),
        (_stale(ts, step, instruments, fields), "stretches that stand still"),
    )
    return tuple(said for found, kind in kinds for said in _first(list(found), kind))


def _first(found: list[str], kind: str) -> list[str]:
    more = len(found) - MOST
    return found[:MOST] + ([f"and {more:,} more such {kind}: see `flotilla data check`"] if more > 0 else [])


def _jumps(ts: Stamps, step: int, instruments: Sequence[str], fields: Mapping[str, Floats]) -> Iterator[str]:
    """Yield the jumps like a split's or a scale's, and those too large to be a bar's, largest first."""
    found: list[tuple[float, str]] = []
    for i in _moving(fields["close"]):
        close = fields["close"][:, i]
        rows = np.flatnonzero(np.isfinite(close))
        close, stamps = close[rows], ts[rows]
        volume = fields["volume"][rows, i] if "volume" in fields else None
        steps = steps_of(close)
        back = spikes_in(steps)
        prints = [Jump(at, ratio_of(close, at), "spike", 0.0) for at in back.tolist()]
        for jump in [*jumps_in(close, steps, back, MOVES), *prints]:
            grave = jump.kind in ("split", "scale") or jump.size > GRAVE
            if grave and stamps[jump.at] - stamps[jump.at - 1] <= PAUSE:
                said = words(jump, instruments[i], _when(stamps[jump.at], step), volume)
                found.append((jump.size, said + _ENDS.get(jump.kind, "")))
    yield from (said for _, said in sorted(found, key=lambda each: -each[0]))


def _moving(close: Floats) -> list[int]:
    """Return the columns in which a price nearly doubles or halves from one bar to the next."""
    bars, count = close.shape
    large = np.zeros(count, np.bool_)
    rows = max(_BLOCK // max(count, 1), 1)
    for a in range(0, bars - 1, rows):
        after = close[a + 1 : a + 1 + rows]
        with np.errstate(over="ignore"):  # from one end of float64 to the other: a large move too
            ratio = after / close[a : a + len(after)]
        large |= ((ratio > MOVES) | (ratio < 1 / MOVES)).any(axis=0)
    return [int(i) for i in np.flatnonzero(large)]


def _stale(ts: Stamps, step: int, instruments: Sequence[str], fields: Mapping[str, Floats]) -> Iterator[str]:
    """Yield, of each instrument, the longest stretch in which nothing moves, where it moves finely else."""
    for i in _standing(fields["close"]):
        rows = np.flatnonzero(np.isfinite(fields["close"][:, i]))
        close = fields["close"][rows, i]
        found = [
            run
            for run in stale({field: values[rows, i] for field, values in fields.items()})
            if run.length >= SAME and not is_coarse(close, run.a)
        ]
        if found:
            run = max(found, key=lambda each: each.length)
            first, last = (_when(ts[rows[n]], step) for n in (run.a, run.b))
            more = f", and {counted(len(found) - 1, 'time')} more" if len(found) > 1 else ""
            yield (
                f"{instruments[i]} stands at {close[run.a]:g} for {counted(run.length, 'bar')}, "
                f"{first} to {last}{more}: a feed that stood still"
            )


def _standing(close: Floats) -> list[int]:
    """Return the columns in which SAME closes in a row are the same."""
    if len(close) < SAME:
        return []
    same, length = close[1:] == close[:-1], 1
    while length < SAME - 1 and len(same):  # true where `length` steps in a row change nothing
        more = min(length, SAME - 1 - length)
        same, length = same[more:] & same[: len(same) - more], length + more
    return [int(i) for i in np.flatnonzero(same.any(axis=0))]


def _holes(ts: Stamps, step: int, instruments: Sequence[str], close: Floats) -> Iterator[str]:
    """Yield where bars of dates pause too long: all of them, or one while others have bars."""
    if step != DAY_NS:
        return
    for n, long in holes(ts):
        yield f"there is no bar between {_when(ts[n], step)} and {_when(ts[n + 1], step)}, {long}"
    known = np.isfinite(close)
    for i in np.flatnonzero(~known.all(axis=0)).tolist():
        name, rows = instruments[i], np.flatnonzero(known[:, i])
        apart = np.diff(rows) - 1
        for k in np.flatnonzero(apart >= HOLE).tolist():
            first, last = _when(ts[rows[k] + 1], step), _when(ts[rows[k + 1] - 1], step)
            yield f"{name} has no close from {first} to {last}, {counted(int(apart[k]), 'bar')}"


def _ends(ts: Stamps, step: int) -> Iterator[str]:
    if len(ts) > 1 and 0 <= ts[0] < DAY_NS and ts[1] - ts[0] > 365 * DAY_NS:
        after = _when(ts[1], step)
        yield f"the first bar is of 1970-01-01, and the next of {after}: an empty time becomes that day"
    if ts[-1] > now_ns() + DAY_NS:
        yield f"the last bar is of {_when(ts[-1], step)}, which is in the future"


def _when(ts: np.int64, step: int) -> str:
    text = str(np.datetime64(int(ts), "ns").astype("datetime64[s]"))
    return text[:10] if step == DAY_NS and ts % DAY_NS == 0 else f"{text}Z"
