"""A panel comes out as the frame that it came in as."""

import numpy as np
import pandas as pd
import pytest

from flotilla.research import panel_from
from flotilla.testing import made_market

DAYS = pd.date_range("2024-03-08", periods=5, freq="D")  # the clocks change in New York on the 10th
WIDE = pd.DataFrame({"B": [1.5, 2.0, np.nan, 4.0, 5.0], "A": [10.0, 11.0, 12.0, 13.0, 14.0]}, index=DAYS)
HOURS = pd.date_range("2024-03-09 20:00", periods=5, freq="4h", tz="America/New_York")
CLOSES = {"days": WIDE, "hours": WIDE.set_axis(HOURS), "one": WIDE[["A"]]}


def bars(closes):
    return pd.concat({"Open": closes, "High": closes + 1, "Low": closes - 1, "Close": closes}, axis=1)


@pytest.mark.parametrize("data", CLOSES.values(), ids=CLOSES)
@pytest.mark.parametrize("shape", [lambda closes: closes, bars], ids=["closes", "bars"])
def test_what_came_in_comes_out(data, shape):
    panel = panel_from(shape(data))

    assert panel_from(panel.frame()).identity == panel.identity
    assert panel_from(panel.pandas()).identity == panel.identity


def test_the_frame_of_closes_is_wide_and_of_bars_long():
    closes, long = panel_from(WIDE).frame(), panel_from(bars(WIDE)).frame()

    assert closes.columns == ["date", "B", "A"]
    assert closes["B"].to_list() == [1.5, 2.0, None, 4.0, 5.0]
    assert long.columns == ["date", "symbol", "open", "high", "low", "close"]
    assert long["symbol"].to_list() == ["B"] * 4 + ["A"] * 5


def test_hours_are_told_in_the_zone_of_the_panel():
    panel = panel_from(CLOSES["hours"])

    assert panel.zone == "America/New_York"
    assert panel.frame()["ts"].dtype.time_zone == panel.zone
    assert str(panel.pandas().index.tz) == panel.zone
    assert panel.pandas().index[0] == HOURS[0]


def test_a_bar_on_which_nobody_traded_is_kept_where_the_frame_is_wide():
    market = made_market(seed=1, bars=80, instruments=3)
    empty = int(np.isnan(market.fields["close"]).all(axis=1).sum())

    assert empty > 0
    assert panel_from(market.pandas()).identity == panel_from(market.pandas()).identity
    assert len(market.pandas()) == 80
    assert panel_from(market.pandas()).shape == (80, 3)
    assert panel_from(market.frame()).shape == (80 - empty, 3)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata", "UTC"])
def test_a_zone_that_was_said_is_there_again_in_the_frames(zone):
    panel = panel_from(WIDE.set_axis(pd.date_range("2024-03-11 04:00", periods=5, freq="4h")), zone=zone)

    assert panel.zone == zone
    assert panel_from(panel.pandas()).identity == panel.identity
    assert panel_from(panel.frame()).identity == panel.identity
