"""What each portfolio of a block thinks of each instrument at one time, from shared features.

Features are computed once, `float64[T, I, F]`; what differs from one portfolio to the next is which of them it
looks at and how it compares them. That last step is a small *program*, the same for all lanes of a block:

    slots 0..n-1   the operands: for each lane a column of the features, or a constant of its own
    slots n..      one result an instruction, from earlier slots; the strategies' opinions are among them

and the opinions are then fused by weighted mean. A program runs on one bar of a block at a time, all its
instruments at once, which stays in the nearest caches. Lanes of a sweep look at neighbouring columns, or at the
same one, over long stretches; such a stretch is a *piece*, and is copied by the vector.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.kernel.elementwise import apply, choose
from flotilla.kernel.portfolio import Floats

WHERE = -1

Ints = NDArray[np.int64]


class Program(NamedTuple):
    """Instructions for one family of portfolios; the operands of all its lanes."""

    piece: Ints  # [n, B, 2]: first and last+1 piece of an operand for a block; none: a constant of each lane's own
    pieces: Ints  # [m, 4]: lanes from, to (within the block), first column, step of the column a lane: 0 or 1
    constant: Floats  # [n, B, L]: the operands that are constants
    code: Ints  # [k, 4]: operator, and the slots of up to three inputs
    output: Ints  # [S]: the slot of each strategy's opinion
    share: Floats  # [S, B, L]: the strategies' weights in the mean


@compiled_apart
def spread(value: float, out: Floats) -> None:
    """Give every lane the same value."""
    for p in range(out.shape[0]):
        out[p] = value


@compiled_apart
def copy(source: Floats, first: int, out: Floats) -> None:
    """Give lane p the value at first + p."""
    begin = np.uint64(first)  # unsigned: a signed index might be negative, and that check stops the vectors
    for p in range(out.shape[0]):
        out[p] = source[begin + np.uint64(p)]


@compiled
def load(program: Program, n: int, block: int, features: Floats, out: Floats) -> None:
    """Fetch operand n for a block's lanes. features: float64[I, F]; out: float64[I, L]."""
    begin, end = program.piece[n, block]
    if begin == end:
        for i in range(out.shape[0]):
            copy(program.constant[n, block], 0, out[i])
    for k in range(begin, end):
        first, last, column, step = program.pieces[k]
        for i in range(out.shape[0]):
            if step == 0:
                spread(features[i, column], out[i, first:last])
            else:
                copy(features[i], column, out[i, first:last])


@compiled_apart
def average(
    opinions: Floats, share: Floats, above: Floats, below: Floats, heard: Floats, out: Floats
) -> None:
    """Add one more strategy's opinions to the weighted mean, where it has one.

    opinions, above, below, heard, out: float64[I, L]; share: float64[L]. A single opinion passes as it is.
    """
    for i in range(out.shape[0]):
        for p in range(out.shape[1]):
            has = opinions[i, p] == opinions[i, p]
            above[i, p] += share[p] * opinions[i, p] if has else 0.0
            below[i, p] += share[p] if has else 0.0
            heard[i, p] += 1.0 if has else 0.0
            single = opinions[i, p] if has and heard[i, p] == 1.0 else out[i, p]
            mean = above[i, p] / below[i, p]
            out[i, p] = mean if heard[i, p] > 1.0 and below[i, p] > 0.0 else single


@compiled
def think(program: Program, block: int, features: Floats, slots: Floats, sums: Floats, out: Floats) -> None:
    """Write a block's opinions of one bar. features: float64[I, F]; out: float64[I, L].

    slots: float64[slots, I, L] and sums: float64[3, I, L] are room to work in.
    """
    operands, strategies = program.piece.shape[0], program.output.shape[0]
    for n in range(operands):
        load(program, n, block, features, slots[n])
    for k in range(program.code.shape[0]):
        op, a, b, c = program.code[k]
        to = slots[operands + k].reshape(-1)
        if op == WHERE:
            choose(slots[a].reshape(-1), slots[b].reshape(-1), slots[c].reshape(-1), to)
        else:
            apply(op, slots[a].reshape(-1), slots[b].reshape(-1), to)
    if strategies == 1:
        copy(slots[program.output[0]].reshape(-1), 0, out.reshape(-1))
        return
    spread(np.nan, out.reshape(-1))
    spread(0.0, sums.reshape(-1))
    for s in range(strategies):
        average(slots[program.output[s]], program.share[s, block], sums[0], sums[1], sums[2], out)
