from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.clock import DAY_NS
from flotilla.errors import ConfigError, DataError, OutOfOrderError, UnknownName
from flotilla.stream.bars.draft import Draft, panel_of, stamp_text, ticks_of

NAN = np.nan


def draft(close=((1.0, 10.0), (2.0, NAN), (3.0, 30.5)), **fields):
    arrays = {"close": np.array(close, float)} | {name: np.array(v, float) for name, v in fields.items()}
    ts = np.arange(len(close), dtype=np.int64) * DAY_NS
    return Draft("made", ts, DAY_NS, ("A", "B"), arrays, lambda t, i: f"cell {t},{i}")


def wrong(made, **options):
    with pytest.raises(DataError) as caught:
        panel_of(made, **options)
    return str(caught.value)


def test_bars_become_a_panel():
    panel = panel_of(draft(volume=[[0.0, 1.0], [NAN, NAN], [-0.0, 2.0]]))

    assert panel.shape == (3, 2)
    assert panel.ts_event.tolist() == [0, DAY_NS, 2 * DAY_NS]
    assert panel.ts_recv.tolist() == [DAY_NS, 2 * DAY_NS, 3 * DAY_NS]
    assert list(panel.fields) == ["close", "volume"]
    assert panel.ticks_per_unit.tolist() == [1.0, 10.0]
    assert all(values.flags.c_contiguous and values.dtype == np.float64 for values in panel.fields.values())


def test_the_panel_does_not_share_memory_with_what_it_was_made_of():
    made = draft()

    panel = panel_of(made)
    made.fields["close"][0, 0] = 99.0

    assert panel.fields["close"][0, 0] == 1.0


def test_days_are_cut_with_both_ends_included():
    def cut(start, end):
        days = panel_of(draft(), start and date(1970, 1, start), end and date(1970, 1, end)).ts_event
        return (days // DAY_NS + 1).tolist()

    assert cut(None, None) == [1, 2, 3]
    assert cut(2, None) == [2, 3]
    assert cut(None, 2) == [1, 2]
    assert cut(2, 2) == [2]


def test_a_day_ends_with_its_last_nanosecond():
    made = replace(draft(), ts=np.array([DAY_NS - 1, DAY_NS, DAY_NS + 1]), step=1)

    assert panel_of(made, end=date(1970, 1, 1)).ts_event.tolist() == [DAY_NS - 1]


def test_days_without_rows_say_which_there_are():
    text = wrong(draft(), start=date(2020, 1, 1))

    assert text == "made: no rows from 2020-01-01 to the end; it has 1970-01-01 to 1970-01-03"


def test_instruments_come_in_the_order_they_were_asked_for():
    panel = panel_of(draft(), instruments=["B", "A"])

    assert panel.instruments == ("B", "A")
    assert panel.fields["close"][0].tolist() == [10.0, 1.0]
    assert panel.fields["close"].flags.c_contiguous
    assert panel.ticks_per_unit.tolist() == [10.0, 1.0]


def test_an_instrument_that_is_not_there_is_told():
    with pytest.raises(UnknownName, match="no instrument is called 'C'"):
        panel_of(draft(), instruments=["A", "C"])
    for odd in ([], ["A", "A"]):
        with pytest.raises(ConfigError, match="at least one, each once"):
            panel_of(draft(), instruments=odd)


def test_equal_content_has_an_equal_identity_whatever_it_is_called():
    payload = np.array([0x7FF8000000000001], np.int64).view(np.float64)[0]
    made = draft(volume=[[0.0, 1.0], [NAN, 1.0], [1.0, 1.0]])
    same = replace(draft(volume=[[-0.0, 1.0], [payload, 1.0], [1.0, 1.0]]), name="other")

    assert panel_of(made).identity == panel_of(same).identity


@pytest.mark.parametrize(
    "other",
    [
        replace(draft(), instruments=("A", "C")),
        replace(draft(), step=1),
        replace(draft(), ts=draft().ts + 1),
        draft(((1.0, 10.0), (2.0, NAN), (3.0, 30.6))),
        draft(open=((1.0, 10.0), (2.0, NAN), (3.0, 30.5))),
    ],
)
def test_other_content_has_another_identity(other):
    assert panel_of(other).identity != panel_of(draft()).identity


def test_an_identity_is_the_same_in_every_version():
    assert panel_of(draft()).identity == "0d5ec105ca4047fad4c84de2027b5bbb"


@pytest.mark.parametrize(
    ("close", "what"),
    [
        (((0.0, 1.0),), "1 x close is not above zero\n    cell 0,0 1970-01-01 A: close 0.0"),
        (((1.0, -1.0),), "1 x close is not above zero\n    cell 0,1 1970-01-01 B: close -1.0"),
        (((np.inf, 1.0),), "1 x close is infinite\n    cell 0,0 1970-01-01 A: close inf"),
    ],
)
def test_an_impossible_price_is_named_with_its_place(close, what):
    assert what in wrong(draft(close))


def test_places_are_those_of_the_data_before_the_cut():
    made = draft(((1.0, 1.0), (1.0, 0.0)))

    text = wrong(made, start=date(1970, 1, 2), instruments=["B"])

    assert "cell 1,1 1970-01-02 B: close 0.0" in text
    assert panel_of(made, instruments=["A"]).shape == (2, 1)


def test_a_negative_volume_is_refused_and_none_is_a_volume():
    assert "1 x volume is below zero" in wrong(draft(volume=[[-1.0, 0.0], [0.0, NAN], [0.0, 0.0]]))
    assert panel_of(draft(volume=[[0.0] * 2] * 3)).fields["volume"].sum() == 0.0


def test_a_bar_has_all_its_prices_or_none():
    made = draft(open=((1.0, 10.0), (NAN, NAN), (3.0, 30.0)))

    assert "1 x a bar has only some of its prices\n    cell 1,0 1970-01-02 A: open nan, close 2.0" in wrong(
        made
    )


@pytest.mark.parametrize(
    ("bar", "sound"),
    [
        ((2.0, 3.0, 1.0, 2.5), True),
        ((2.0, 2.0, 2.0, 2.0), True),
        ((NAN, NAN, NAN, NAN), True),
        ((3.1, 3.0, 1.0, 2.5), False),
        ((2.0, 3.0, 1.0, 0.9), False),
        ((2.0, 3.0, 2.1, 2.5), False),
        ((2.0, 1.0, 3.0, 2.0), False),
    ],
)
def test_a_bar_keeps_its_open_and_close_between_low_and_high(bar, sound):
    fields = dict(zip(("open", "high", "low", "close"), ([[price, 1.0]] for price in bar), strict=True))
    fields |= {name: [[values[0][0], 1.0]] for name, values in fields.items()}
    made = draft(fields.pop("close"), **fields)

    if sound:
        assert panel_of(made).shape == (1, 2)
    else:
        assert "1 x a bar breaks low <= open, close <= high" in wrong(made)


def test_high_and_low_that_are_swapped_throughout_are_told_as_that():
    made = draft(((2.0, 2.0),) * 3, high=((1.0, 1.0),) * 3, low=((3.0, 3.0),) * 3)

    assert "high and low look swapped in 6 bars of 6" in wrong(made)


def test_rows_must_rise_in_time():
    back = replace(draft(), ts=np.array([0, 2, 1]) * DAY_NS)
    twice = replace(draft(), ts=np.array([0, 1, 1]) * DAY_NS)

    for made, what in ((back, "a row goes back in time"), (twice, "a time comes twice")):
        with pytest.raises(OutOfOrderError, match=f"1 x {what}\n    cell 2,0 1970-01-02 after cell 1,0"):
            panel_of(made)


def test_everything_wrong_is_told_at_once():
    made = replace(draft(((0.0, 1.0), (np.inf, 1.0))), ts=np.array([1, 0]), instruments=("A", " a"))

    text = wrong(made)

    for what in ("goes back", "not above zero", "infinite", "blanks around", "several spellings"):
        assert what in text


@pytest.mark.parametrize("names", [("A", "a"), ("A", ""), ("A", "B "), ("A", "B\n"), ("A", "A")])
def test_instruments_are_told_apart_by_their_names(names):
    assert "instrument" in wrong(replace(draft(), instruments=names))


def test_shapes_must_agree():
    made = replace(draft(), ts=np.arange(2))

    assert "1 x an array's shape is not (2, 2)\n    close: (3, 2)" in wrong(made)
    assert "no close" in wrong(replace(draft(), fields={"open": np.ones((3, 2))}))
    assert "no rows at all" in wrong(draft(np.empty((0, 2))))


@given(st.lists(st.decimals(min_value="0.000001", max_value=10**6, places=6), min_size=1, max_size=20))
def test_ticks_are_the_fewest_decimals_that_hold_every_price(decimals):
    prices = np.array([[float(d)] for d in decimals])
    needed = max(-d.normalize().as_tuple().exponent for d in decimals)

    assert ticks_of([prices]).tolist() == [10.0 ** max(needed, 0)]


def test_prices_of_no_decimal_have_no_tick():
    assert ticks_of([np.array([[1 / 3, NAN, 2**53 + 2.0, 0.1 + 0.2]])]).tolist() == [0.0] * 4


def test_a_price_past_the_first_rows_counts_too():
    prices = np.ones((1000, 1))
    prices[999] = 1.001

    assert ticks_of([prices]).tolist() == [1000.0]


@pytest.mark.parametrize(
    ("tick", "ticks"), [("0.01", 100.0), ("0.25", 4.0), (1, 1.0), ("0.05", 20.0), (5e-05, 2e4)]
)
def test_a_tick_that_is_given_is_kept(tick, ticks):
    assert panel_of(draft(((3.0, 1.0),)), tick=tick).ticks_per_unit.tolist() == [ticks, ticks]


def test_prices_off_the_tick_that_is_given_are_found():
    text = wrong(draft(((48.85, 48.9), (48.86, 48.9))), tick="0.05")

    assert "1 x close is off the tick\n    cell 1,0 1970-01-02 A: close 48.86" in text


@pytest.mark.parametrize("tick", ["0", "-0.01", "0.3", "x", "nan", "inf", 3])
def test_a_tick_that_cannot_be_is_a_mistake_of_the_configuration(tick):
    with pytest.raises(ConfigError, match="tick"):
        panel_of(draft(), tick=tick)


def test_times_are_written_as_a_person_reads_them():
    assert stamp_text(DAY_NS, DAY_NS) == "1970-01-02"
    assert stamp_text(DAY_NS, 60) == "1970-01-02T00:00:00Z"
    assert stamp_text(1_500_000_000, DAY_NS) == "1970-01-01T00:00:01.500000Z"
