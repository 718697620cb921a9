"""Note what the moments of a bar came to on the way, where somebody asks why: moments of their own.

They say it with the functions that the moments themselves call, on what these left.
"""

import numpy as np

from flotilla.kernel.book import worth
from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.kernel.fuse import fuse, risk_factor
from flotilla.kernel.records import PARAM, Block, Risk, Row, Workspace


@compiled
def is_traced(work: Workspace) -> bool:
    """Return whether somebody asks."""
    return bool(work.trace.before.shape[0] > 0)


@compiled_apart
def note_before(block: Block, work: Workspace) -> None:
    """Note the weights that stood until now."""
    before, weight = work.trace.before, block.book.weight
    for i in range(before.shape[0]):
        for p in range(before.shape[1]):
            before[i, p] = weight[i, p]


@compiled_apart
def note_weights(block: Block, row: Row, risk: Risk, work: Workspace) -> None:
    """Note how the last signals heard and risk come to weights, and what the holdings weigh."""
    params, book, trace = block.params, block.book, work.trace
    for i in range(trace.before.shape[0]):
        for p in range(trace.before.shape[1]):
            trace.signal[i, p] = book.last_signal[i, p]
            trace.allocation[i, p] = params[PARAM.allocation, p] * block.parts[i]
            trace.factor[i, p] = risk_factor(risk.scale[i], params[PARAM.risk_tolerance, p])
            trace.cap[i, p] = min(params[PARAM.cap, p], risk.cap[i])
            signal, allocation = trace.signal[i, p], trace.allocation[i, p]
            trace.unrestrained[i, p] = fuse(signal, allocation, 1.0, np.inf)
            trace.weight[i, p] = fuse(signal, allocation, trace.factor[i, p], trace.cap[i, p])
            trace.held[i, p] = worth(book.position[i, p], row.mark[i]) / block.sums.equity[p]


@compiled_apart
def note_buys(block: Block, work: Workspace) -> None:
    """Note what a fill was asked for, what its buys would have cost, and the cash for them."""
    asked, cost, cash = work.trace.asked, work.trace.cost, work.trace.cash
    for p in range(asked.shape[1]):
        for i in range(asked.shape[0]):
            asked[i, p] = work.filled.quantity[i, p]
        cost[p], cash[p] = work.cost[p], block.book.cash[p]
