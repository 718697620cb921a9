"""A made market: small, and as untidy as a real one."""

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from flotilla.clock import DAY_NS
from flotilla.model.arrays import Floats
from flotilla.model.panel import Panel
from flotilla.stream.bars.frames import Bars

_FIRST_DAY = 10_959  # Monday, 3 January 2000, in days since 1970


def made_market(
    seed: int = 0, bars: int = 400, instruments: int = 6, tick: float = 0.01, gaps: bool = True
) -> Panel:
    """Return daily bars, Monday to Friday from 2000-01-03, with all five fields. Equal arguments, equal bits.

    Prices are random walks, in whole ticks, so that equal ones are common. With gaps, as far as there is
    room: one bar in twenty does not trade, a whole row is missing now and then, the last instrument is listed
    late and the first is not traded any more at the end, the second stands still for a while, and then moves
    with the third.
    """
    rng = np.random.default_rng(seed)
    per_unit = float(round(1.0 / tick))
    prices = _walk(rng, bars, instruments)
    if gaps and instruments > 2:
        a, b, c = bars // 4, bars // 3, bars // 2
        for values in prices.values():
            values[a:b, 1] = prices["close"][a, 1]
            values[b:c, 1] = values[b:c, 2]
    fields = {name: np.maximum(np.rint(x * per_unit), 1.0) / per_unit for name, x in prices.items()}
    fields["volume"] = np.rint(rng.lognormal(10.0, 1.0, (bars, instruments)))
    if gaps:
        closed = _untraded(rng, bars, instruments)
        for values in fields.values():
            values[closed] = np.nan
    days = _FIRST_DAY + np.arange(bars) // 5 * 7 + np.arange(bars) % 5
    return Bars(
        ts_event=days * DAY_NS,
        ts_recv=(days + 1) * DAY_NS,
        instruments=tuple(f"M{i}" for i in range(instruments)),
        fields=fields,
        ticks_per_unit=np.full(instruments, per_unit),
        identity=_identity(fields, days),
        name=f"made-{seed}",
    )


def _walk(rng: np.random.Generator, bars: int, instruments: int) -> dict[str, Floats]:
    """Return prices before they are rounded to ticks."""
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (bars, instruments)), axis=0))
    night, up, down = np.exp(rng.normal(0.0, 0.005, (3, bars, instruments)))
    open_ = np.concatenate([close[:1], close[:-1]]) * night
    high = np.maximum(open_, close) * np.maximum(up, 1.0)
    low = np.minimum(open_, close) * np.minimum(down, 1.0)
    return {"open": open_, "high": high, "low": low, "close": close}


def _untraded(rng: np.random.Generator, bars: int, instruments: int) -> NDArray[np.bool_]:
    """Return which bars did not trade: bool[T, I]."""
    closed = rng.random((bars, instruments)) < 0.05
    closed[rng.random(bars) < 0.01] = True
    closed[: bars // 5, -1] = True
    if instruments > 1:
        closed[bars - bars // 10 :, 0] = True
    return closed


def _identity(fields: dict[str, Floats], days: NDArray[np.int64]) -> str:
    digest = blake2b(days.tobytes(), digest_size=16)
    for name in sorted(fields):
        digest.update(name.encode() + fields[name].tobytes())
    return digest.hexdigest()
