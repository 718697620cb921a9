"""Jumps of a price: bad prints that return, splits that were not applied, prices in another scale.

A price is judged by its own usual step: `usual` is the median of its absolute changes, in logarithms,
so that a coin and a bond are each held to their own measure.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.model.arrays import Flags, Floats

# A change of a fifth in one bar, and of 15 usual ones, is looked at.
LARGE, UNUSUAL = 0.2, 15.0
# What a spike returns to: within a quarter of its height.
RETURN = 0.25
# New shares for old, and old for new. Not 3 for 2: a price goes so far on a bad day, or on a good one.
RATIOS = (2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 50.0)
# How far the close of a split's day may be from the ratio: a day's change. A bad day halves a price now and
# then, so a fall to a half or a third must be nearer.
NEAR, NEAR_FAR, FAR = 0.025, 0.04, 3.0
# Where most steps of a price are such, one like a split is nothing: a stock of a few cents in its time.
COARSE, AROUND = 0.08, 100
_LEAST = 1e-300
SCALES = (100.0, 1_000.0, 10_000.0, 1e6, 1e8)
NEAR_SCALE = 0.1


class Jump(NamedTuple):
    """at: the bar after it. ratio: its close over the one before. kind: split, scale or other.

    of: what it is near to: 7 for a price at a seventh, or at seven times; 0 for other.
    """

    at: int
    ratio: float
    kind: str
    of: float

    @property
    def size(self) -> float:
        """Return by how much the price changes, 7 for a seventh and for seven times."""
        return max(self.ratio, 1.0 / self.ratio)


class Steps(NamedTuple):
    """A price's changes in logarithms, taken once: what all that is asked of them is told from.

    logs: float64[N] of the closes; sizes: float64[N - 1], absolute; usual: the median of those that are none
    of 0; least: from which on a change is looked at.
    """

    logs: Floats
    sizes: Floats
    usual: float
    least: float


def steps_of(close: Floats) -> Steps:
    """Return the changes of a price from bar to bar. close: float64[N] > 0."""
    logs = np.log(close)
    sizes = np.abs(np.diff(logs))
    middle = _median(sizes)
    return Steps(logs, sizes, middle, max(LARGE, UNUSUAL * middle))


def _median(sizes: Floats) -> float:
    """Return the median of the changes that are none of 0; 0 where there is none."""
    moved = sizes[sizes > 0]
    if not len(moved):
        return 0.0
    half = len(moved) // 2
    if len(moved) % 2:
        return float(np.partition(moved, half)[half])
    low, high = np.partition(moved, (half - 1, half))[half - 1 : half + 1]
    return float(np.mean([low, high]))


def usual(close: Floats) -> float:
    """Return the median absolute change of a price from bar to bar, in logarithms. close: float64[N] > 0."""
    return _median(np.abs(np.diff(np.log(close))))


def spikes(close: Floats) -> Flags:
    """Say which bars leave the price of their neighbours by a lot, and are back in the next, bool[N]."""
    out = np.zeros(len(close), np.bool_)
    out[spikes_in(steps_of(close))] = True
    return out


def spikes_in(steps: Steps) -> NDArray[np.intp]:
    """Return the bars that leave the price of their neighbours by a lot, and are back in the next."""
    logs, sizes = steps.logs, steps.sizes
    left = np.flatnonzero(sizes[:-1] > steps.least)
    returns = np.abs(logs[left + 2] - logs[left])
    return left[returns < RETURN * sizes[left]] + 1


def long_wicks(extreme: Floats, close: Floats) -> Flags:
    """Say which highs or lows are twice or half of their closes, and far by the price's measure, bool[N]."""
    far = np.abs(np.log(extreme) - np.log(close))
    return np.asarray(far > max(np.log(2.0), UNUSUAL * usual(close)))


def jumps(close: Floats, from_size: float = 1.0) -> list[Jump]:
    """Return the large changes that stay, each with what it looks like. close: float64[N] > 0.

    from_size: only those by this factor and more.
    """
    steps = steps_of(close)
    return jumps_in(close, steps, spikes_in(steps), from_size)


def jumps_in(close: Floats, steps: Steps, back: NDArray[np.intp], from_size: float = 1.0) -> list[Jump]:
    """Return the same of changes that are known. back: the bars that are spikes."""
    found = np.flatnonzero(steps.sizes > max(steps.least, np.log(from_size))) + 1
    neither = {*back.tolist(), *(back + 1).tolist()}  # nor the way back
    return [_read(close, at) for at in found.tolist() if at not in neither]


def is_coarse(close: Floats, at: int) -> bool:
    """Say whether a price moves in large steps only around a bar."""
    return usual(close[max(at - AROUND, 0) : at + AROUND]) > COARSE


def ratio_of(close: Floats, at: int) -> float:
    """Return a close over the one before; of prices from one end of float64 to the other, a number still."""
    with np.errstate(over="ignore", under="ignore"):
        return float(np.clip(close[at] / close[at - 1], _LEAST, 1 / _LEAST))


def _read(close: Floats, at: int) -> Jump:
    ratio = ratio_of(close, at)
    size = max(ratio, 1.0 / ratio)
    kind, of = _nearest(size)
    if of and is_coarse(close, at):
        return Jump(at, ratio, "other", 0.0)
    return Jump(at, ratio, kind, of)


def _nearest(size: float) -> tuple[str, float]:
    """Return what a change by this factor is near to: its kind, and the factor; 0 for other."""
    for scale in SCALES:
        if abs(np.log(size / scale)) < NEAR_SCALE:
            return "scale", scale
    near = min(RATIOS, key=lambda each: abs(np.log(size / each)))
    if abs(np.log(size / near)) < (NEAR_FAR if near > FAR else NEAR):
        return "split", near
    return "other", 0.0


def words(jump: Jump, name: str, when: str, volume: Floats | None = None) -> str:
    """Return a jump as a sentence. volume: float64[N] beside the closes, where there is one."""
    change = f"rises to {jump.ratio:,.3g} times" if jump.ratio > 2 else f"goes to {jump.ratio * 100:.3g} % of"
    said = f"{name} {change} its close on {when}"
    if volume is not None and jump.at > 0 and volume[jump.at - 1] > 0 and volume[jump.at] > 0:
        said += f", with {volume[jump.at] / volume[jump.at - 1]:.1f} times the volume"
    if jump.kind == "split":
        kind = f"a split, {jump.of:g}-for-1" if jump.ratio < 1 else f"a reverse split, 1-for-{jump.of:g}"
        return f"{said}: looks like {kind}, that was not applied"
    if jump.kind == "scale":
        return f"{said}: looks like another scale, by {jump.of:g}"
    return said
