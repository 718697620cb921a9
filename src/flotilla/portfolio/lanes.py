"""Pass many portfolios through the rows together: features for a stretch of rows, then all lanes over them.

1. `LaneDriver` lays out a block for each program, and the runner of the features that all of them share.
2. `advance` computes the features of a stretch and sends the blocks of lanes through it, on several threads:
   the kernels release Python's lock, and lanes do not know of each other, so the number of workers changes
   nothing. The next stretch's features are computed meanwhile.
3. After each stretch all that matters is `state`: written down, it is where a run that was killed goes on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from flotilla.kernel.lanes import RiskRows, Room, Rows, Sheet, advance, new_room, new_sheet
from flotilla.kernel.records import PARAM, Book, Sums, new_block
from flotilla.model.arrays import Floats, Ints
from flotilla.model.terms import PortfolioConfig
from flotilla.portfolio.market import Market
from flotilla.portfolio.memory import bytes_of, check_room
from flotilla.portfolio.params import params_of
from flotilla.portfolio.rebalance import rebalance_of
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import Node
from flotilla.stage.lanes import LanePlan

FEATURE_BYTES = 8 << 20  # of one stretch's features; two stretches are there at a time
FEWEST = 16  # bars of a stretch
NOWHERE = np.empty(0, np.int64)  # no row after which sums are noted
_ROWS = ("fill", "close", "known", "marks", "scale", "cap")  # of the market, float64[T, I] each


class LaneDriver:
    """P portfolios on their way through the rows of a market."""

    def __init__(
        self,
        plan: LanePlan,
        features: list[Node],
        fields: Mapping[str, Floats],
        config: PortfolioConfig,
        swept: Mapping[str, Any],
        market: Market,
        edges: Ints = NOWHERE,
    ) -> None:
        """fields: what features read. swept: the terms in which portfolios differ, P values each.

        edges: the rows after which running sums are noted, int64[E], rising, none before the market's first.
        """
        self.plan, self.market, self.fields = plan, market, fields
        instruments = len(market.panel.instruments)
        self.runner = ChunkRunner(features, instruments, market.panel.ticks_per_unit)
        row = max(1, instruments * len(features) * 8)
        self.stretch = max(FEWEST, FEATURE_BYTES // row)
        self.done = 0
        bounds = np.cumsum([0, *(program.share.shape[1] for program in plan.programs)])
        params = params_of(config, instruments, int(bounds[-1]), swept)
        self.cash = params[PARAM.cash]  # that portfolios begin with, float64[P]
        columns = [np.ascontiguousarray(params[:, a:b]) for a, b in pairwise(bounds)]
        every_bar, at_fill = rebalance_of(config.rebalance).every == "bar", config.size_at == "fill"
        self._bytes = self._predicted(len(features), columns, len(edges))
        check_room(self._bytes, f"{params.shape[1]:,} portfolios on {instruments:,} instruments")
        self.blocks = [new_block(own, market.part, every_bar, at_fill) for own in columns]
        self.sheets = [new_sheet(edges, own.shape[1]) for own in columns]

    @property
    def rows(self) -> int:
        """Return T, the rows there are."""
        return int(self.market.close.shape[0])

    def predicted_bytes(self) -> int:
        """Return the memory that it takes: the bars, its market's rows, and what is its own."""
        held = {**self.market.panel.fields, **self.fields}
        rows = (getattr(self.market, name) for name in _ROWS)
        own = (array for program in self.plan.programs for array in program)
        params = (block.params for block in self.blocks)
        return bytes_of((*held.values(), *rows, *own, *params)) + self._bytes

    def _predicted(self, features: int, columns: list[Floats], edges: int) -> int:
        """Return the memory that it is about to take: books, sums, sheets, stretches of features, room.

        Two stretches are there at a time; what one is made of, and its rows of the market, counts as a third.
        """
        instruments, first = len(self.market.panel.instruments), columns[0]
        block = new_block(first, self.market.part, False, False)
        lanes = sum(own.shape[1] for own in columns)
        held: int = bytes_of((*block.book, *block.sums)) * lanes // first.shape[1]
        noted: int = 8 * edges * lanes * len(Sheet._fields[1:])
        work, *room = self._room(0)
        scratch = [array for array in work if isinstance(array, np.ndarray)]
        threads = min(os.cpu_count() or 1, len(columns))
        stretch = 8 * min(self.stretch, self.rows) * instruments * (3 * features + len(_ROWS))
        return held + noted + stretch + threads * bytes_of((*work.filled, *scratch, *room))

    def _room(self, b: int) -> Room:
        """Return room for block b."""
        program = self.plan.programs[b]
        slots = program.column.shape[0] + program.code.shape[0]
        return new_room(slots, len(self.market.panel.instruments), program.share.shape[1])

    def advance(self, workers: int, arrived: Callable[[int], None] = lambda _: None) -> None:
        """Go through the rows that are left. arrived: told after each stretch how many rows are done."""
        with ThreadPoolExecutor(workers) as pool:
            ahead = pool.submit(self._features, self.done)
            while self.done < self.rows:
                features, state = ahead.result()
                begin, end = self.done, min(self.done + self.stretch, self.rows)
                if end < self.rows:
                    ahead = pool.submit(self._features, end)
                self._advance(pool, workers, features, begin)
                self.done, self._runner_state = end, state
                arrived(end)

    def _features(self, begin: int) -> tuple[Floats, dict[str, Any]]:
        """Return a stretch's features, float64[n, I, F], and the state of their stages after it."""
        end = min(begin + self.stretch, self.rows)
        features = self.runner.advance({name: rows[begin:end] for name, rows in self.fields.items()})
        return np.ascontiguousarray(features), self.runner.state()

    def _advance(self, pool: ThreadPoolExecutor, workers: int, features: Floats, begin: int) -> None:
        """Send every block through a stretch of rows."""
        market, skipped = self.market, max(self.market.first - begin, 0)
        first, last = begin + skipped, begin + len(features)
        if first >= last:
            return
        price, close, known, marks, scale, cap = (
            np.ascontiguousarray(a[first:last]) for a in (getattr(market, name) for name in _ROWS)
        )
        rows = Rows(price, close, known, marks, market.period[first:last], features[skipped:])
        risk = RiskRows(scale, cap)
        noted = slice(*np.searchsorted(self.sheets[0].edges, [first, last]).tolist())
        waiting = iter(range(len(self.blocks)))  # whoever is done takes the next one

        def work() -> None:
            room = self._room(0)
            for b in waiting:
                if room.signals.shape[1] != self.blocks[b].params.shape[1]:  # the last one is narrower
                    room = self._room(b)
                sheet = _part(self.sheets[b], noted, first)
                advance(rows, risk, self.plan.programs[b], self.blocks[b], sheet, room)

        sent: list[Future[None]] = [pool.submit(work) for _ in range(min(workers, len(self.blocks)))]
        for task in sent:
            task.result()

    def state(self) -> dict[str, Any]:
        """Return where it is, and all that the rows after depend on."""
        return {
            "done": self.done,
            "runner": self._runner_state,
            "books": [block.book._asdict() for block in self.blocks],
            "sums": [block.sums._asdict() for block in self.blocks],
            "sheets": [sheet._asdict() for sheet in self.sheets],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state` returned."""
        self.done = int(state["done"])
        self.runner.restore(state["runner"])
        self.blocks = [
            block._replace(
                book=Book(**{name: np.array(a) for name, a in book.items()}),
                sums=Sums(**{name: np.array(a) for name, a in sums.items()}),
            )
            for block, book, sums in zip(self.blocks, state["books"], state["sums"], strict=True)
        ]
        self.sheets = [Sheet(**{name: np.array(a) for name, a in sheet.items()}) for sheet in state["sheets"]]

    def sums(self) -> Sums:
        """Return the sums of all portfolios, float64[P], in lane order."""
        return Sums(*(np.concatenate(each) for each in zip(*(b.sums for b in self.blocks), strict=True)))

    def sheet(self) -> Sheet:
        """Return what was noted of all portfolios, float64[E, P] each, in lane order."""
        edges, *noted = zip(*self.sheets, strict=True)
        return Sheet(edges[0], *(np.concatenate(each, axis=1) for each in noted))


def _part(sheet: Sheet, noted: slice, first: int) -> Sheet:
    """Return the part of a sheet that is noted in a stretch of rows, which begins with row `first`."""
    edges, *sums = sheet
    return Sheet(edges[noted] - first, *(each[noted] for each in sums))
