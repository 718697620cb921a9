"""Say where a run does not do what its strategies say, so that nothing of it happens in silence.

Of those that never say anything it says why; of signals that a cash account cannot follow (short, beyond 1),
and of weights that come to more than there is, what is done instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from flotilla.model.arrays import Floats
from flotilla.research.part import Part
from flotilla.stage.expression import Node
from flotilla.stage.lanes import rows_needed
from flotilla.stage.plan import warm_up
from flotilla.words import counted

_ROUNDING = 1e-9  # of a sum of weights


def silent_in_run(trees: Mapping[str, Node], signals: Mapping[str, Floats], rows: int) -> tuple[str, ...]:
    """Return a sentence for each strategy without a signal.

    trees: the strategies'; signals: of the bars that are traded; rows: how many there are, those before
    included.
    """
    silent = [name for name, said in signals.items() if np.isnan(said).all()]
    if not silent:
        return ()
    return tuple(_of_one(name, warm_up(trees[name]), rows) for name in silent)


def flat_in_run(signals: Mapping[str, Floats], orders: int) -> tuple[str, ...]:
    """Return a sentence for each strategy that says 0 throughout; else one if a portfolio never traded.

    signals: of the bars that are traded; orders: how many there are.
    """
    flat = [name for name, said in signals.items() if (said == 0.0).any() and not np.nan_to_num(said).any()]
    if flat:
        return tuple(f"{name} never says anything but 0, which is flat" for name in flat)
    silent = any(np.isnan(said).all() for said in signals.values())
    return () if orders or silent else ("the portfolio never traded",)


def short_in_run(signals: Mapping[str, Floats], strategies: int) -> tuple[str, ...]:
    """Return a sentence for each strategy that says short, with what a cash account makes of it.

    strategies: how many there are, those included whose signals are not looked at.
    """
    told = []
    means = "takes it as flat"
    if strategies > 1:
        means = "lets it take away from what the others say, and holds the sum at 0"
    for name, said in signals.items():
        short = int((said < 0.0).any(axis=1).sum())
        if short:
            bars = f"{short:,} of {counted(len(said), 'bar')}"
            told.append(f"{name} said short on {bars}: a cash account cannot be short, and {means}")
    return tuple(told)


def loud_in_run(signals: Mapping[str, Floats], strategies: int) -> tuple[str, ...]:
    """Return a sentence for each strategy whose signal is beyond 1; of several, or beyond -1.

    strategies: how many there are, those included whose signals are not looked at.
    """
    told = []
    for name, said in signals.items():
        size = np.abs(said) if strategies > 1 else said
        beyond = size > 1.0
        if beyond.any():
            bars = f"{int(beyond.any(axis=1).sum()):,} of {counted(len(said), 'bar')}"
            told.append(
                f"{name} said up to {size[beyond].max():.3g} on {bars}: a signal beyond 1 counts as 1"
            )
    return tuple(told)


def crowded_in_run(weights: Floats) -> tuple[str, ...]:
    """Return a sentence if the weights decided come to more than all there is. weights: float64[T, I]."""
    sums = np.nansum(weights, axis=1)
    over = sums > 1.0 + _ROUNDING
    if not over.any():
        return ()
    bars = f"{int(over.sum()):,} of {counted(len(sums), 'bar')}"
    return (
        f"weights came to more than 1 on {bars}, to {sums.max():.3g} at the highest: a cash account buys "
        "with the cash that it has, so buys were cut in proportion, and exposure stayed at about 1",
    )


def _of_one(name: str, needed: int, rows: int) -> str:
    if needed > rows:
        why = f"it needs {needed:,} rows for its first signal, and the data has {counted(rows, 'row')}"
    else:
        why = "it has no signal on any bar that is traded"
    return f"{name} never says anything: {why}"


def idle_in_sweep(swept: Part, orders: Sequence[float]) -> tuple[str, ...]:
    """Return a sentence if portfolios never traded. swept: all of a sweep; orders: of each portfolio."""
    idle = np.flatnonzero(np.asarray(orders) == 0)
    if not len(idle):
        return ()
    said = f"{len(idle):,} of {counted(len(swept.members), 'portfolio')} never traded"
    needed, rows = _needed(swept)[idle], swept.study.panel.shape[0]
    mute = needed[needed > rows]
    if not len(mute):
        return (said,)
    few, many, there = f"{mute.min():,}", f"{mute.max():,}", counted(rows, "row")
    span = few if few == many else f"{few} to {many}"
    why = f"{len(mute):,} of them would need {span} rows for a first signal, and the data has {there}"
    return (f"{said}: {why}",)


def _needed(swept: Part) -> NDArray[np.int64]:
    """Return how many rows each portfolio needs before the first of its strategies may speak: int64[P]."""
    count, shares = len(swept.members), swept.shares()
    needed = np.full(count, np.iinfo(np.int64).max)
    for name, tree in swept.trees().items():
        rows = rows_needed(tree, count)
        needed = np.where(shares[name] > 0, np.minimum(needed, rows), needed)
    return needed
