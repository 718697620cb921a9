"""Bars as the portfolio and execution look at them."""

import msgspec
import numpy as np
import pytest

from flotilla.errors import ConfigError
from flotilla.live.bars import PriceReader
from flotilla.live.messages import BARS, raw
from flotilla.model.wire import Bar, Closing
from flotilla.portfolio.market import Marks
from flotilla.stream.codec import LogRow


def rows(run, panel):
    first = run.manifest.first
    stacked = np.stack([panel.fields[name] for name in run.manifest.fields], axis=1)
    bars = [Bar(t, int(panel.ts_event[t]), 0, raw(stacked[t])) for t in range(first, len(stacked))]
    messages = [*bars, Closing(len(stacked))]
    return [LogRow(n + 1, 100 + n, BARS.encode(message)) for n, message in enumerate(messages)]


def test_prices_are_the_panels_and_marks_go_on_from_its_history(run, panel):
    reader = PriceReader(run)

    prices = reader.read(rows(run, panel)[:50]) + reader.read(rows(run, panel)[50:])

    first = run.manifest.first
    marks = Marks(4).advance(panel.fields["close"])
    own = [price.rows["made"] for price in prices]
    assert np.stack([row.mark for row in own]).tobytes() == marks[first:].tobytes()
    assert np.stack([row.close for row in own]).tobytes() == panel.fields["close"][first:].tobytes()
    assert np.stack([row.price for row in own]).tobytes() == panel.fields["open"][first:].tobytes()
    assert [p.moment.bar for p in prices] == list(range(first, len(panel.ts_event)))
    assert (prices[0].seq, prices[0].written_ns) == (1, 100)
    assert reader.closed


def test_marks_go_on_from_a_checkpoint(run, panel):
    whole = PriceReader(run).read(rows(run, panel))

    rest = PriceReader(run, whole[29].marks).read(rows(run, panel)[30:])

    assert [p.rows["made"].mark.tobytes() for p in rest] == [
        p.rows["made"].mark.tobytes() for p in whole[30:]
    ]


def test_orders_fill_at_the_close_by_choice_or_where_there_is_no_open(run, panel):
    chosen = msgspec.structs.replace(run.config.portfolio, fill_at="close")
    run.portfolios = {"made": msgspec.structs.replace(run.config, portfolio=chosen)}

    prices = PriceReader(run).read(rows(run, panel)[:1])

    assert prices[0].rows["made"].price.tobytes() == prices[0].rows["made"].close.tobytes()


def test_an_open_that_is_not_there_is_named(run):
    chosen = msgspec.structs.replace(run.config.portfolio, fill_at="open")
    run.portfolios = {"made": msgspec.structs.replace(run.config, portfolio=chosen)}
    run.manifest = msgspec.structs.replace(run.manifest, fields=("close",))

    with pytest.raises(ConfigError, match="the data has no open"):
        PriceReader(run)
