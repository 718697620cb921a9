"""What all portfolios of a run share."""

from datetime import date

import numpy as np
import pytest

from flotilla.config import PortfolioConfig, decode
from flotilla.errors import ConfigError
from flotilla.research.market import market_of, open_panel
from flotilla.testing import made_market


@pytest.fixture(scope="module")
def panel():
    return made_market(seed=1, bars=60, instruments=3)


def test_orders_fill_at_the_opens_where_there_are_any(panel):
    market = market_of(panel, PortfolioConfig(), "p", None)

    assert market.fill is panel.fields["open"]
    assert market_of(panel, PortfolioConfig(fill_at="close"), "p", None).fill is panel.fields["close"]


def test_marks_are_the_last_known_closes(panel):
    market = market_of(panel, PortfolioConfig(), "p", None)

    known = np.zeros(3)
    for close, mark in zip(panel.fields["close"], market.marks, strict=True):
        known = np.where(np.isnan(close), known, close)
        assert mark.tolist() == known.tolist()


def test_a_portfolio_begins_on_the_first_bar_that_is_not_before_its_start(panel):
    on = market_of(panel, PortfolioConfig(start=date(2000, 1, 10)), "p", None)
    between = market_of(panel, PortfolioConfig(start=date(2000, 1, 8)), "p", None)  # a Saturday
    before = market_of(panel, PortfolioConfig(start=date(1990, 1, 1)), "p", None)

    assert (on.first, between.first, before.first) == (5, 5, 0)


def test_a_start_after_the_data_is_refused(panel):
    with pytest.raises(ConfigError, match="the data ends before 2001-01-01"):
        market_of(panel, PortfolioConfig(start=date(2001, 1, 1)), "p", None)


def test_without_decisions_everything_is_let_through(panel):
    market = market_of(panel, PortfolioConfig(), "p", None)

    assert market.decisions is None
    assert (market.scale == 1.0).all()
    assert (market.cap == 1.0).all()


def test_decisions_are_heeded_when_the_bar_is_known_and_not_when_it_begins(panel, tmp_path):
    # Bars of a day are known at its end: what comes within the day is heeded on its bar.
    (tmp_path / "d.csv").write_text("ts_recv,scale\n2000-01-05T12:00:00Z,0.5\n")

    market = market_of(panel, PortfolioConfig(decisions="d.csv"), "p", tmp_path)

    assert market.scale[:, 0].tolist() == [1.0] * 2 + [0.5] * 58


def test_the_calendar_is_among_the_fields(panel):
    fields = market_of(panel, PortfolioConfig(), "p", None).fields

    assert {"close", "volume", "year", "month", "week", "day"} <= set(fields)
    assert fields["month"][0].tolist() == [360.0] * 3


def test_a_panel_is_what_the_configuration_asks_for():
    data = {"source": "sample", "start": "2020-01-01", "end": "2020-01-31", "instruments": ["KO", "AAPL"]}
    config = decode({"name": "x", "strategies": {"s": {"kind": "ma_cross"}}, "data": data})

    panel = open_panel(config, None)

    assert panel.instruments == ("KO", "AAPL")
    assert panel.shape == (21, 2)
