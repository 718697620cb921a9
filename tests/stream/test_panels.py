"""Panels in the store come back with the same bits."""

import numpy as np
import pytest

from flotilla.errors import DataError
from flotilla.model.panel import Panel
from flotilla.stream.panels import get_panel, put_panel
from flotilla.stream.table import Store


def test_a_panel_comes_back_bit_for_bit(tmp_path):
    close = np.array([[1.5, np.nan], [0.1, 2.0], [3.0, -0.0]])
    times = np.array([10, 20, 30])
    fields = {"open": close + 1, "close": close}
    panel = Panel(times, times + 10, ("A", "B"), fields, np.array([1000.0, 0.0]), "ab" * 16, "made")
    store = Store(tmp_path)

    put_panel(store, panel)
    put_panel(store, panel)
    again = get_panel(store, panel.identity)

    assert (again.instruments, again.identity, again.name) == (panel.instruments, panel.identity, "made")
    assert list(again.fields) == ["open", "close"]
    assert all(again.fields[name].tobytes() == fields[name].tobytes() for name in fields)
    assert all(field.flags.c_contiguous and field.flags.writeable for field in again.fields.values())
    assert again.ts_event.tolist() == [10, 20, 30]
    assert again.ts_recv.tolist() == [20, 30, 40]
    assert again.ticks_per_unit.tolist() == [1000.0, 0.0]


def test_a_panel_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="no panel abcdabcd"):
        get_panel(Store(tmp_path), "abcdabcd")
