from copy import deepcopy

import numpy as np
import pytest

from flotilla.errors import ConfigError, UnknownName
from flotilla.model.panel import Panel


def panel(rows):
    ts = np.arange(rows, dtype=np.int64)
    fields = {"close": np.arange(2.0 * rows).reshape(rows, 2)}
    return Panel(ts, ts + 1, ("A", "B"), fields, np.zeros(2), "id", "made")


def test_rows_are_views_of_all_arrays():
    whole = panel(5)

    part = whole.rows(1, 3)

    assert part.shape == (2, 2)
    assert part.ts_event.tolist() == [1, 2]
    assert part.ts_recv.tolist() == [2, 3]
    assert part.fields["close"].tolist() == [[2.0, 3.0], [4.0, 5.0]]
    assert np.shares_memory(part.fields["close"], whole.fields["close"])
    assert part.fields["close"].flags.c_contiguous


def test_bounds_are_read_as_those_of_a_slice():
    assert panel(5).rows(-2, 99).ts_event.tolist() == [3, 4]
    assert panel(5).rows(4, 2).shape == (0, 2)


def test_other_rows_have_another_identity_and_all_rows_the_same():
    whole = panel(5)

    assert whole.rows(0, 5) is whole
    assert whole.rows(0, 4).identity == whole.rows(-5, 4).identity
    assert len({whole.identity, whole.rows(0, 4).identity, whole.rows(1, 5).identity}) == 3


def test_some_instruments_are_another_panel_in_the_order_asked_for():
    whole = panel(5)

    part = whole.only(["B"])

    assert part.instruments == ("B",)
    assert part.fields["close"].tolist() == [[1.0], [3.0], [5.0], [7.0], [9.0]]
    assert part.fields["close"].flags.c_contiguous
    assert part.ticks_per_unit.shape == (1,)
    assert whole.only(["A", "B"]) is whole
    assert len({whole.identity, part.identity, whole.only(["B", "A"]).identity}) == 3


def test_a_panel_is_one_line_in_a_notebook():
    assert repr(panel(5)) == "Panel(made: 5 bars of 2 instruments, 1970-01-01 to 1970-01-01; close)"
    assert repr(panel(5).rows(0, 0)) == "Panel(made: 0 bars of 2 instruments, none; close)"


@pytest.mark.parametrize("part", [panel(9), panel(9).rows(2, 7), panel(9).only(["B"])])
def test_nobody_can_write_to_a_panel(part):
    for values in (part.ts_event, part.ts_recv, part.ticks_per_unit, part.fields["close"]):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 0
    with pytest.raises(TypeError, match="does not support item assignment"):
        part.fields["close"] = part.fields["close"] * 2


def test_a_panel_is_sent_elsewhere_whole():
    there = deepcopy(panel(5))

    np.testing.assert_array_equal(there.fields["close"], panel(5).fields["close"])
    assert (there.identity, there.zone, there.remarks) == ("id", "UTC", ())


def test_brackets_take_instruments_or_a_slice_of_the_bars():
    whole = panel(5)

    assert whole["B"].instruments == ("B",)
    assert whole[["B", "A"]].instruments == ("B", "A")
    assert whole[1:3].ts_event.tolist() == [1, 2]
    assert whole[-2:].identity == whole.rows(3, 5).identity
    with pytest.raises(UnknownName, match="no instrument of made is called 'C'; there is A, B"):
        whole["C"]
    with pytest.raises(ConfigError, match="a slice has no step"):
        whole[::2]
    with pytest.raises(ConfigError, match=r"a panel is asked for instruments.*; not for 0"):
        whole[0]


def days(count):
    ts = np.datetime64("2018-01-30", "ns").astype(np.int64) + 86_400_000_000_000 * np.arange(count)
    fields = {"close": np.arange(2.0 * count).reshape(count, 2)}
    return Panel(ts, ts + 86_400_000_000_000, ("A", "B"), fields, np.zeros(2), "id", "made")


def test_bars_are_sliced_by_time_with_both_bounds_in_it():
    whole = days(5)  # from 30 January to 3 February

    assert whole["2018-01-31":"2018-02-01"].fields["close"][:, 0].tolist() == [2.0, 4.0]
    assert whole["2018-02":].fields["close"][:, 0].tolist() == [4.0, 6.0, 8.0]
    assert whole[:"2018-01"].fields["close"][:, 0].tolist() == [0.0, 2.0]
    assert whole["2019":].shape == (0, 2)
    assert whole["2018":] is whole
    assert whole["2018-02":].identity == whole[2:].identity


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (slice("2018", None, 2), "a slice has no step"),
        (slice("soon", None), "not at 'soon'"),
        (slice(1, "2018"), "not at 1"),
        ("2018", 'bars of a time are a slice: panel\\["2018":"2018"\\]'),
        ("close", r'a field of the bars, and no instrument: panel\.fields\["close"\]'),
        (("A", "B"), 'panel\\[\\["SPY", "TLT"\\]\\]'),
        (3, r"panel\[5:6\]"),
        (np.arange(3) > 1, "not for array"),
    ],
)
def test_what_a_panel_cannot_be_asked_names_what_it_can(asked, told):
    with pytest.raises(ConfigError, match=told):
        days(5)[asked]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("close", r'panel\.fields\["close"\]'),
        ("A", r'panel\["A"\]'),
        ("head", r"panel\[:100\]"),
        ("instrumens", r"did you mean instruments\?"),
    ],
)
def test_an_attribute_that_is_not_there_says_where_to_find_it(name, told):
    with pytest.raises(AttributeError, match=told):
        getattr(days(5), name)
