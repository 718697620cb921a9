"""One bar of a block of portfolios: the one place where its moments are put in their order.

Each bar has four moments, for every portfolio:

1. `fill` what was decided at the bar before (kernel/fill.py).
2. Protect: stops and targets act here, between fill and mark.
3. `mark` at the close, and run the measures along (kernel/mark.py).
4. `decide`: turn signals (kernel/signals.py) and risk into orders for the next bar (kernel/decide.py).

The first two are what a venue does, the others what a portfolio does. Where the two are apart, as in live,
each side runs its half, on a block of its own. A moment that nobody of a block has a use for is not called.
"""

from flotilla.kernel.compile import compiled
from flotilla.kernel.decide import decide
from flotilla.kernel.fill import fill
from flotilla.kernel.mark import mark
from flotilla.kernel.records import Block, Risk, Row, Workspace
from flotilla.model.arrays import Floats


@compiled
def exchange_bar(block: Block, row: Row, work: Workspace) -> None:
    """Do what a venue does on a bar: fill the orders that rest, where there is a price."""
    if block.book.queue[0] > 0:
        fill(block, row, work)


@compiled
def portfolio_bar(block: Block, row: Row, risk: Risk, signals: Floats, work: Workspace) -> None:
    """Do what portfolios do on a bar, once they know of its fills: mark, and decide.

    signals: float64[I, P], NaN for none.
    """
    mark(block, row)
    decide(block, row, risk, signals, work)


@compiled
def bar(block: Block, row: Row, risk: Risk, signals: Floats, work: Workspace) -> None:
    """Simulate one bar whole. signals: float64[I, P], NaN for none."""
    exchange_bar(block, row, work)
    portfolio_bar(block, row, risk, signals, work)
