"""The signal of each portfolio of a block for each instrument at one time, from shared features.

Features are computed once, `float64[T, I, F]`; what differs from one portfolio to the next is which of them
it looks at and how it compares them. That last step is a small *program*, the same for all lanes of a block:

    slots 0..n-1   the operands: for each lane a column of the features, or a constant of its own
    slots n..      one result an instruction, from earlier slots; the strategies' signals are among them

and the signals are then fused by weighted mean. Lanes of a sweep look at neighbouring columns of the
features, or at the same one, over long stretches. A block is cut into *pieces* in which every operand does
one or the other: neighbours are read where they lie, the same one is spread. An operand that jumps about is
gathered first.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.kernel.elementwise import GT, LE, apply, choose, compare_one, mirrored
from flotilla.model.arrays import Floats, Ints

WHERE = -1
IN_SLOT, SAME, NEIGHBOURS = -1, 0, 1


class Program(NamedTuple):
    """Instructions for one block of portfolios; the operands of all its lanes."""

    column: Ints  # [n, L]: the operand's column of the features; -1 where it is a constant
    constant: Floats  # [n, L]: the operand, where it is a constant
    jumps: NDArray[np.bool_]  # [n]: is the operand fetched into its slot, lane by lane
    pieces: Ints  # [m, 2 + 2 * n]: first lane, width; of each operand the first column, and how it goes on
    code: Ints  # [k, 4]: operator, and the slots of up to three inputs
    output: Ints  # [S]: the slot of each strategy's signal; a single strategy's is the last slot
    share: Floats  # [S, L]: the strategies' weights in the mean


@compiled_apart
def gather(features: Floats, column: Ints, constant: Floats, out: Floats) -> None:
    """Fetch an operand lane by lane. features: float64[I, F]; column: int64[L], -1 throughout: a constant."""
    if column[0] < 0:
        for i in range(out.shape[0]):
            for p in range(out.shape[1]):
                out[i, p] = constant[p]
    else:
        for i in range(out.shape[0]):
            for p in range(out.shape[1]):
                out[i, p] = features[i, np.uint64(column[p])]


@compiled_apart
def spread(features: Floats, column: int, first: int, width: int, out: Floats) -> None:
    """Give `width` lanes from the first on the same column of the features."""
    for i in range(out.shape[0]):
        value = features[i, np.uint64(column)]
        for p in range(np.uint64(width)):
            out[i, np.uint64(first) + p] = value


@compiled_apart
def blank(sums: Floats, out: Floats) -> None:
    """Begin a mean: nothing heard. sums: float64[3, I, L]; out: float64[I, L]."""
    for i in range(out.shape[0]):
        for p in range(out.shape[1]):
            sums[0, i, p], sums[1, i, p], sums[2, i, p], out[i, p] = 0.0, 0.0, 0.0, np.nan


@compiled_apart
def average(signals: Floats, share: Floats, sums: Floats, out: Floats) -> None:
    """Add one more strategy's signals to the weighted mean `out`, where it has one.

    signals, out: float64[I, L]; sums: float64[3, I, L], what was added so far, and how often; share:
    float64[L]. One that is beyond 1 counts as 1, so none outweighs its share. Who has no share is not heard.
    """
    for i in range(out.shape[0]):
        for p in range(out.shape[1]):
            has = signals[i, p] == signals[i, p] and share[p] > 0.0
            said = min(max(signals[i, p], -1.0), 1.0)
            sums[0, i, p] += share[p] * said if has else 0.0
            sums[1, i, p] += share[p] if has else 0.0
            sums[2, i, p] += 1.0 if has else 0.0
            single = said if has and sums[2, i, p] == 1.0 else out[i, p]
            mean = sums[0, i, p] / sums[1, i, p]
            out[i, p] = mean if sums[2, i, p] > 1.0 else single


@compiled_apart
def copy(source: Floats, first: int, out: Floats, to: int, width: int) -> None:
    """Copy `width` columns."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            out[i, np.uint64(to) + p] = source[i, np.uint64(first) + p]


@compiled
def run_piece(program: Program, k: int, features: Floats, slots: Floats, out: Floats) -> None:
    """Run the program for one piece of a block."""
    operands, steps, rows = program.column.shape[0], program.code.shape[0], out.shape[0]
    piece, single = program.pieces[k], program.output.shape[0] == 1
    first, width = piece[0], piece[1]
    for step in range(steps):
        op, sa, sb, sc = program.code[step]
        to = out if single and step == steps - 1 else slots[operands + step][:rows]
        one_a, a, ca = operand(piece, sa, operands, features, slots)
        one_b, b, cb = operand(piece, sb, operands, features, slots)
        if GT <= op <= LE and one_a != one_b:
            if one_a:
                compare_one(op, features, piece[2 + 2 * sa], b, cb, to, first, width)
            else:
                compare_one(mirrored(op), features, piece[2 + 2 * sb], a, ca, to, first, width)
            continue
        one_c, c, cc = operand(piece, sc, operands, features, slots)
        if one_a:
            spread(features, piece[2 + 2 * sa], first, width, a[:rows])
        if one_b and sb != sa:
            spread(features, piece[2 + 2 * sb], first, width, b[:rows])
        if one_c and sc != sa and sc != sb:
            spread(features, piece[2 + 2 * sc], first, width, c[:rows])
        if op == WHERE:
            choose(a, ca, b, cb, c, cc, to, first, width)
        else:
            apply(op, a, ca, b, cb, to, first, width)
    if single and steps == 0:
        one, a, ca = operand(piece, 0, operands, features, slots)
        if one:
            spread(features, piece[2], first, width, out)
        else:
            copy(a, ca, out, first, width)


@compiled
def operand(
    piece: Ints, slot: int, operands: int, features: Floats, slots: Floats
) -> tuple[bool, Floats, int]:
    """Return where a piece finds an input: is it one column for all its lanes, the array, the first column.

    One column for all is to be spread into its slot first, unless the operator takes it as it is.
    """
    if slot < operands and piece[3 + 2 * slot] == NEIGHBOURS:
        return False, features, piece[2 + 2 * slot]
    return slot < operands and piece[3 + 2 * slot] == SAME, slots[slot], piece[0]


@compiled
def compute_signals(program: Program, features: Floats, slots: Floats, sums: Floats, out: Floats) -> None:
    """Write a block's signals of each row. features: float64[N, F]; out: float64[N, L].

    A row is one instrument of one bar: signals do not depend on what a portfolio owns, so several bars may
    be computed together. slots: float64[slots, at least N, L] and sums: float64[3, at least N, L] are
    room to work in.
    """
    rows = out.shape[0]
    for n in range(program.column.shape[0]):
        if program.jumps[n]:
            gather(features, program.column[n], program.constant[n], slots[n][:rows])
    for k in range(program.pieces.shape[0]):
        run_piece(program, k, features, slots, out)
    if program.output.shape[0] > 1:
        blank(sums, out)
        for s in range(program.output.shape[0]):
            average(slots[program.output[s]], program.share[s], sums, out)


@compiled
def cut_block(column: Ints, jumps: NDArray[np.bool_], pieces: Ints) -> int:
    """Cut one block into pieces, written to `pieces`; return how many there are.

    column: int64[n, L]; jumps: bool[n], the operands that are gathered and so do not matter.
    """
    operands, lanes = column.shape
    k, first = 0, 0
    while first < lanes:
        width = lanes - first
        for n in range(operands):
            if not jumps[n]:
                step = column[n, first + 1] - column[n, first] if first + 1 < lanes else 0
                step = step if step == 0 or step == 1 else 0
                run = 1
                while first + run < lanes and column[n, first + run] - column[n, first + run - 1] == step:
                    run += 1
                width = min(width, run)
        for n in range(operands):
            step = column[n, first + 1] - column[n, first] if width > 1 else SAME
            pieces[k, 2 + 2 * n] = column[n, first]
            pieces[k, 3 + 2 * n] = IN_SLOT if jumps[n] else step
        pieces[k, 0], pieces[k, 1] = first, width
        k, first = k + 1, first + width
    return k
