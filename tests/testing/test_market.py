import numpy as np
import pytest

from flotilla.model.panel import FIELDS
from flotilla.testing import made_market


def test_equal_arguments_make_equal_markets_and_others_do_not():
    one, same, other = made_market(1), made_market(1), made_market(2)

    assert one.identity == same.identity != other.identity
    for name in FIELDS:
        np.testing.assert_array_equal(one.fields[name], same.fields[name])


@pytest.mark.parametrize("tick", [0.01, 0.25, 0.001])
def test_every_price_is_a_whole_number_of_ticks_and_a_bar_holds_together(tick):
    panel = made_market(3, bars=300, tick=tick)
    prices = {name: panel.fields[name] for name in ("open", "high", "low", "close")}
    traded = ~np.isnan(prices["close"])

    for x in prices.values():
        ticks = np.rint(x * panel.ticks_per_unit)
        np.testing.assert_array_equal(ticks / panel.ticks_per_unit, x)
        assert (x[traded] > 0).all()
        np.testing.assert_array_equal(~np.isnan(x), traded)
    inside = [prices["low"] <= prices[name] for name in ("open", "close")]
    inside += [prices["high"] >= prices[name] for name in ("open", "close")]
    assert np.all(inside, where=traded)


def test_it_is_as_untidy_as_a_real_one():
    panel = made_market(4)
    close = panel.fields["close"]
    missing = np.isnan(close)

    assert missing[:80, -1].all()  # listed late
    assert missing[-40:, 0].all()  # not traded any more
    assert missing.all(axis=1).any()  # a day without any bar
    assert (missing[100:300, 2] & ~missing[100:300, 3]).any()  # a gap of one
    assert (close[1:] == close[:-1]).any()  # a price that stands still
    assert (close[:, 1] == close[:, 2]).any()  # two that are equal


def test_without_gaps_every_bar_is_there():
    panel = made_market(5, bars=50, instruments=1, gaps=False)

    assert panel.shape == (50, 1)
    assert all(np.isfinite(x).all() for x in panel.fields.values())


def test_bars_are_days_from_monday_to_friday():
    panel = made_market(bars=7)

    days = panel.ts_event.astype("datetime64[ns]").astype("datetime64[D]").astype(str)
    assert list(days) == [f"2000-01-{d:02}" for d in (3, 4, 5, 6, 7, 10, 11)]
    np.testing.assert_array_equal(panel.ts_recv - panel.ts_event, 86_400_000_000_000)
