"""What all portfolios of a run share."""

from datetime import date

import msgspec
import numpy as np
import pandas as pd
import pytest

from flotilla.config import decode
from flotilla.errors import ConfigError
from flotilla.model.terms import PortfolioConfig
from flotilla.research import configure, panel_from, run, sweep
from flotilla.research.market import market_for, open_panel, panel_for
from flotilla.testing import made_market


@pytest.fixture(scope="module")
def panel():
    return made_market(seed=1, bars=60, instruments=3)


def test_orders_fill_at_the_opens_where_there_are_any(panel):
    market = market_for(panel, PortfolioConfig(), "p", None)
    at_close = market_for(panel, PortfolioConfig(fill_at="close"), "p", None)

    assert np.shares_memory(market.fill, panel.fields["open"])
    assert np.shares_memory(at_close.fill, panel.fields["close"])


def test_marks_are_the_last_known_closes(panel):
    market = market_for(panel, PortfolioConfig(), "p", None)

    known = np.zeros(3)
    for close, mark in zip(panel.fields["close"], market.marks, strict=True):
        known = np.where(np.isnan(close), known, close)
        assert mark.tolist() == known.tolist()


def test_a_portfolio_begins_on_the_first_bar_that_is_not_before_its_start(panel):
    on = market_for(panel, PortfolioConfig(start=date(2000, 1, 10)), "p", None)
    between = market_for(panel, PortfolioConfig(start=date(2000, 1, 8)), "p", None)  # a Saturday
    before = market_for(panel, PortfolioConfig(start=date(1990, 1, 1)), "p", None)

    assert (on.first, between.first, before.first) == (5, 5, 0)


def test_a_start_after_the_data_is_refused(panel):
    with pytest.raises(ConfigError, match="the data ends before 2001-01-01"):
        market_for(panel, PortfolioConfig(start=date(2001, 1, 1)), "p", None)


def test_without_decisions_everything_is_let_through(panel):
    market = market_for(panel, PortfolioConfig(), "p", None)

    assert market.decisions is None
    assert (market.scale == 1.0).all()
    assert (market.cap == 1.0).all()


def test_decisions_are_heeded_when_the_bar_is_known_and_not_when_it_begins(panel, tmp_path):
    # Bars of a day are known at its end: what comes within the day is heeded on its bar.
    (tmp_path / "d.csv").write_text("ts_recv,scale\n2000-01-05T12:00:00Z,0.5\n")

    market = market_for(panel, PortfolioConfig(decisions="d.csv"), "p", tmp_path)

    assert market.scale[:, 0].tolist() == [1.0] * 2 + [0.5] * 58


def test_the_calendar_is_among_the_fields(panel):
    fields = market_for(panel, PortfolioConfig(), "p", None).fields

    assert {"close", "volume", *(f"calendar {name}" for name in ("year", "month", "week", "day"))} <= set(
        fields
    )
    assert fields["calendar month"][0].tolist() == [360.0] * 3


def test_a_panel_is_what_the_configuration_asks_for():
    data = {"source": "sample", "start": "2020-01-01", "end": "2020-01-31", "instruments": ["KO", "AAPL"]}
    config = decode({"name": "x", "strategies": {"s": {"kind": "ma_cross"}}, "data": data})

    panel = open_panel(config, None)

    assert panel.instruments == ("KO", "AAPL")
    assert panel.shape == (21, 2)


def asking(**data):
    return decode({"name": "p", "data": data, "strategies": {"s": {"kind": "buy_and_hold"}}})


def test_a_panel_in_place_of_the_source_is_cut_to_the_days_and_instruments_that_are_asked_for(panel):
    names = [panel.instruments[2], panel.instruments[0]]

    found = panel_for(asking(start="2000-01-10", end="2000-01-14", instruments=names), None, panel)

    assert (
        str(found)
        == f"Panel({panel.name}: 5 bars of 2 instruments, 2000-01-10 to 2000-01-14; {fields(panel)})"
    )
    assert found.instruments == tuple(names)
    np.testing.assert_array_equal(found.fields["close"], panel.fields["close"][5:10][:, [2, 0]])
    assert panel_for(asking(instruments=names), None, found) is found
    assert panel_for(asking(), None, panel) is panel


def fields(panel):
    return ", ".join(panel.fields)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"start": "2010-01-01"}, r"\$\.data: there are no bars from 2010-01-01 to the end in Panel\("),
        ({"instruments": ["NOBODY"]}, "no instrument of .* is called 'NOBODY'"),
    ],
)
def test_a_panel_that_has_not_what_is_asked_for_is_refused(panel, data, said):
    with pytest.raises(ConfigError, match=said):
        panel_for(asking(**data), None, panel)


def test_runs_and_sweeps_of_a_panel_live_the_days_that_are_asked_for(panel):
    config = asking(start="2000-01-10", end="2000-02-14", instruments=[panel.instruments[1]])
    swept = msgspec.structs.replace(config, sweep={"portfolio.fee_bps": (0, 5)})

    one, all_ = run(config, panel=panel), sweep(swept, panel=panel)

    assert one.panel.shape == all_.panel.shape == (26, 1)
    assert one.panel.identity == all_.panel.identity != panel.identity


def test_risk_decisions_that_nobody_heeds_are_told_by_a_run_and_by_a_sweep(panel, tmp_path):
    (tmp_path / "d.csv").write_text("ts_recv,symbol,scale\n2000-01-05T00:00:00Z,NOPE,0\n")
    hold = {"strategies": {"s": {"kind": "buy_and_hold"}}, "portfolio": {"decisions": "d.csv"}}
    alone = decode({"name": "one", **hold})
    swept = decode({"name": "many", **hold, "sweep": {"portfolio.decisions": [None, "d.csv"]}})
    said = "d.csv: row 1 is for the instrument 'NOPE', which is not here (1 such row); there is"

    one, many = (
        do(what, panel=panel, folder=tmp_path).remarks for do, what in ((run, alone), (sweep, swept))
    )

    assert [remark.startswith(said) for remark in one].count(True) == 1
    assert [remark.startswith(said) for remark in many].count(True) == 1


def test_a_period_begins_at_midnight_where_the_market_is():
    # 2024-01-02 begins in Tokyo at 15:00 UTC of the day before: from there to the last bar are 9 days.
    times = pd.date_range("2024-01-01", periods=24 * 10 + 1, freq="h", tz="Asia/Tokyo")
    panel = panel_from(pd.DataFrame({"close": np.arange(1.0, 242.0)}, index=times), zone="Asia/Tokyo")

    result = run(configure("buy_and_hold", start="2024-01-02"), panel=panel)

    assert result.ts[0] == pd.Timestamp("2024-01-02", tz="Asia/Tokyo").value
    assert [said for said in result.remarks if "the record is of" in said] == [
        "the record is of 9 days: figures a year are scaled up from it, and are no forecast"
    ]


def test_starts_that_lead_to_the_same_bar_are_one_period(panel):
    config = decode(
        {
            "name": "s",
            "strategies": {"hold": {"kind": "buy_and_hold"}},
            "sweep": {"portfolio.start": ["2000-01-08", "2000-01-09"]},  # Saturday and Sunday
        }
    )

    assert not any("different days" in said for said in sweep(config, panel=panel).remarks)
