"""Pass many portfolios through the rows together: features for a stretch of rows, then all lanes over them.

1. `Passage` lays out books and sums for every portfolio, and the runner of the features that they share.
2. `advance` computes the features of a stretch and sends the blocks of lanes through it, on several threads:
the
   kernels release Python's lock, and lanes do not know of each other, so the number of workers changes
   nothing. The next stretch's features are computed meanwhile.
3. After each stretch all that matters is `state`: written down, it is where a run that was killed goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flotilla.kernel.lanes import TILE, Rows, advance, new_desk
from flotilla.kernel.portfolio import Book, Tally, Terms, new_book, new_tally
from flotilla.research.market import Market
from flotilla.research.memory import bytes_of, check_room
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import Node
from flotilla.stage.lanes import LanePlan

Floats = NDArray[np.float64]
FEATURE_BYTES = 8 << 20  # of one stretch's features; two stretches are there at a time
_ROWS = ("fill", "close", "known", "marks", "scale", "cap")  # of the market, float64[T, I] each


class Passage:
    """P portfolios on their way through the rows of a market."""

    def __init__(
        self, plan: LanePlan, features: list[Node], fields: Mapping[str, Floats], terms: Terms, market: Market
    ) -> None:
        self.plan, self.market, self.fields = plan, market, fields
        instruments = len(market.panel.instruments)
        self.runner = ChunkRunner(features, instruments, market.panel.ticks_per_unit)
        seats = np.minimum(np.arange(plan.blocks * plan.lanes), len(terms.start) - 1)
        self.terms = Terms(*(column[seats].reshape(plan.blocks, plan.lanes) for column in terms))
        row = max(1, instruments * len(features) * 8)
        self.stretch = max(TILE, FEATURE_BYTES // row // TILE * TILE)
        self.done = 0
        self._bytes = self._predicted(len(features))
        check_room(self._bytes, f"{len(terms.start):,} portfolios on {instruments:,} instruments")
        blocks = [self._terms_of(b) for b in range(plan.blocks)]
        self.books = _stacked((new_book(block, instruments) for block in blocks), plan.blocks, Book)
        self.tallies = _stacked((new_tally(block) for block in blocks), plan.blocks, Tally)

    @property
    def rows(self) -> int:
        """Return T, the rows there are."""
        return int(self.market.close.shape[0])

    def predicted_bytes(self) -> int:
        """Return the memory that the passage takes: the bars, its market's rows, and what is its own."""
        held = {**self.market.panel.fields, **self.fields}
        rows = (getattr(self.market, name) for name in _ROWS)
        program = (*self.plan.program, *self.terms)
        return bytes_of((*held.values(), *rows, *program)) + self._bytes

    def _predicted(self, features: int) -> int:
        """Return the memory that it is about to take: books, sums, stretches of features, desks.

        Two stretches are there at a time; what one is made of, and its rows of the market, counts as a third.
        """
        instruments, plan = len(self.market.panel.instruments), self.plan
        terms, desk = self._terms_of(0), new_desk(self.plan.program, instruments, plan.lanes)
        block = bytes_of((*new_book(terms, instruments), *new_tally(terms)))
        threads = min(os.cpu_count() or 1, plan.blocks)
        stretch = 8 * min(self.stretch, self.rows) * instruments * (3 * features + len(_ROWS))
        return plan.blocks * block + stretch + threads * bytes_of((*desk.filled, *desk[1:]))

    def _terms_of(self, block: int) -> Terms:
        return Terms(*(column[block] for column in self.terms))

    def advance(
        self, every_bar: bool, at_fill: bool, workers: int, arrived: Callable[[int], None] = lambda _: None
    ) -> None:
        """Go through the rows that are left. arrived: told after each stretch how many rows are done."""
        with ThreadPoolExecutor(workers) as pool:
            ahead = pool.submit(self._features, self.done)
            while self.done < self.rows:
                features, state = ahead.result()
                begin, end = self.done, min(self.done + self.stretch, self.rows)
                if end < self.rows:
                    ahead = pool.submit(self._features, end)
                self._advance(pool, workers, features, begin, every_bar, at_fill)
                self.done, self._runner_state = end, state
                arrived(end)

    def _features(self, begin: int) -> tuple[Floats, dict[str, Any]]:
        """Return a stretch's features, float64[n, I, F], and the state of their stages after it."""
        end = min(begin + self.stretch, self.rows)
        features = self.runner.advance({name: rows[begin:end] for name, rows in self.fields.items()})
        return np.ascontiguousarray(features), self.runner.state()

    def _advance(
        self,
        pool: ThreadPoolExecutor,
        workers: int,
        features: Floats,
        begin: int,
        every_bar: bool,
        at_fill: bool,
    ) -> None:
        """Send every block through a stretch of rows."""
        market, skipped = self.market, max(self.market.first - begin, 0)
        first, last = begin + skipped, begin + len(features)
        if first >= last:
            return
        fill, close, known, marks, scale, cap = (
            np.ascontiguousarray(a[first:last]) for a in (getattr(market, name) for name in _ROWS)
        )
        period = market.period[first:last]
        rows = Rows(fill, close, known, marks, scale, cap, period, market.part, features[skipped:])
        waiting = iter(range(self.plan.blocks))  # whoever is done takes the next one

        def work() -> None:
            desk = new_desk(self.plan.program, features.shape[1], self.plan.lanes)
            for b in waiting:
                advance(
                    rows, self.plan.program, self.books, self.terms, self.tallies,
                    b, b + 1, every_bar, at_fill, desk,
                )  # fmt: skip

        sent: list[Future[None]] = [pool.submit(work) for _ in range(min(workers, self.plan.blocks))]
        for task in sent:
            task.result()

    def state(self) -> dict[str, Any]:
        """Return where the passage is, and all that the rows after depend on."""
        return {
            "done": self.done,
            "runner": self._runner_state,
            "books": self.books._asdict(),
            "tallies": self.tallies._asdict(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state` returned."""
        self.done = int(state["done"])
        self.runner.restore(state["runner"])
        self.books = Book(**{name: np.array(a) for name, a in state["books"].items()})
        self.tallies = Tally(**{name: np.array(a) for name, a in state["tallies"].items()})

    def tally(self, portfolios: int) -> Tally:
        """Return the sums of all portfolios, float64[P], in lane order."""
        return Tally(*(a.reshape(-1)[:portfolios] for a in self.tallies))


class Noting(Passage):
    """A passage that notes the equity of every portfolio at every row. It is that much slower."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.noted: list[Floats] = []  # for each row simulated, float64[lanes] in lane order

    def _advance(
        self, pool: ThreadPoolExecutor, workers: int, features: Floats, begin: int, *terms: bool
    ) -> None:
        for k in range(len(features)):
            super()._advance(pool, workers, features[k : k + 1], begin + k, *terms)
            if begin + k >= self.market.first:
                self.noted.append(self.tallies.equity.reshape(-1).copy())


def _stacked(blocks: Iterator[Any], count: int, kind: Any) -> Any:
    """Return blocks' arrays with a leading block axis. A block at a time: they are not there twice."""
    found: Any = None
    for b, block in enumerate(blocks):
        found = found or kind(*(np.empty((count, *array.shape), array.dtype) for array in block))
        for whole, array in zip(found, block, strict=True):
            whole[b] = array
    return found
