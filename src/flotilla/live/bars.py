"""Bars as the portfolio and the execution look at them: prices to fill at, and marks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from flotilla.kernel.records import Row
from flotilla.live.folder import Run
from flotilla.live.messages import BARS, arrays
from flotilla.model.arrays import Floats
from flotilla.model.wire import Bar
from flotilla.portfolio.market import Marks
from flotilla.portfolio.prices import fill_field
from flotilla.portfolio.rebalance import periods, rebalance_of
from flotilla.portfolio.single import Moment
from flotilla.stream.codec import LogRow as Written


class Prices(NamedTuple):
    """One bar's prices, for each portfolio: which of them it fills at, and when it rebalances, is its own."""

    moment: Moment
    seq: int  # in the feed's stream
    written_ns: int  # when the feed wrote it down
    marks: Floats  # float64[I], the last close of each instrument
    rows: dict[str, Row]  # by portfolio


class PriceReader:
    """Turns rows of the feed's stream into prices; remembers the last close of each instrument."""

    def __init__(self, run: Run, marks: Floats | None = None) -> None:
        """Go on after the bar whose marks are `marks`, float64[I]; None: begin."""
        self._marks = Marks(len(run.manifest.instruments))
        if marks is not None:
            self._marks.last[:] = marks
        elif run.manifest.first:
            self._marks.advance(run.panel().fields["close"][: run.manifest.first])
        self.closed = False  # has the feed said that there are no more
        self._shape = run.shape
        self._close = run.manifest.fields.index("close")
        self._zone, fields = run.panel().zone, run.manifest.fields
        terms = {name: one.portfolio for name, one in run.portfolios.items()}
        # What portfolios differ in: at which field orders fill, and when weights are restored.
        forms = {
            name: (fields.index(fill_field(one.fill_at, fields)), rebalance_of(one.rebalance).every)
            for name, one in terms.items()
        }
        self._forms = [*dict.fromkeys(forms.values())]
        self._form_of = {name: self._forms.index(form) for name, form in forms.items()}

    def read(self, rows: Sequence[Written]) -> list[Prices]:
        """Return the prices of the next bars."""
        bars = []
        for written in rows:
            message = BARS.decode(written.payload)
            if isinstance(message, Bar):
                bars.append((written, message))
            else:
                self.closed = True
        if not bars:
            return []
        values = arrays([message.values for _, message in bars], self._shape)
        close = values[:, self._close].copy()
        when = np.array([message.ts_event for _, message in bars], np.int64)
        forms = [
            (values[:, field].copy(), periods(every, when, self._zone, bars[0][1].bar).tolist())
            for field, every in self._forms
        ]
        known, marks = self._marks.advance_both(close)
        found = []
        for n, (written, message) in enumerate(bars):
            mine = [Row(fill[n], close[n], known[n], marks[n], period[n]) for fill, period in forms]
            moment = Moment(message.bar, message.ts_event)
            by_portfolio = {name: mine[form] for name, form in self._form_of.items()}
            found.append(Prices(moment, written.seq, written.ts, marks[n], by_portfolio))
        return found
