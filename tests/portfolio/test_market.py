"""What all portfolios of a run share."""

from math import nan

import numpy as np
import pytest

from flotilla.errors import ConfigError
from flotilla.model.terms import PortfolioConfig
from flotilla.portfolio.market import Marks, market_of, no_risk
from flotilla.testing import made_market


def test_marks_are_the_last_known_closes_through_any_chunks():
    close = np.array([[nan, 1.0], [2.0, nan], [nan, nan], [3.0, 4.0]])
    chunked = Marks(2)

    whole = Marks(2).advance(close)

    assert whole.tolist() == [[0.0, 1.0], [2.0, 1.0], [2.0, 1.0], [3.0, 4.0]]
    assert [chunked.advance(row[None])[0].tolist() for row in close] == whole.tolist()


def test_a_bar_is_what_its_row_of_the_market_says():
    panel = made_market(bars=20, instruments=3)

    market = market_of(panel, panel.fields, 0, PortfolioConfig(fill_at="open", rebalance="bar"), None)

    row = market.row(7)
    assert row.price.tobytes() == panel.fields["open"][7].tobytes()
    assert row.close.tobytes() == row.mark.tobytes() == panel.fields["close"][7].tobytes()
    assert row.known.tobytes() == panel.fields["close"][6].tobytes()
    assert row.period == 7.0


def test_without_decisions_all_is_let_through():
    panel = made_market(bars=5, instruments=3)
    market = market_of(panel, panel.fields, 0, PortfolioConfig(), None)

    for stands in (market.in_force(2), no_risk(3)):
        assert stands.risk.scale.tolist() == stands.risk.cap.tolist() == [1.0, 1.0, 1.0]
        assert list(stands.ids) == [(), (), ()]


def test_marks_that_do_not_fit_into_memory_are_refused(monkeypatch):
    panel = made_market(bars=5, instruments=3)
    monkeypatch.setattr("flotilla.portfolio.memory.available", lambda: 10)

    with pytest.raises(ConfigError, match="to mark 5 bars takes"):
        market_of(panel, panel.fields, 0, PortfolioConfig(), None)
