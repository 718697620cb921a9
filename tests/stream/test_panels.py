"""Panels in the store come back with the same bits."""

import numpy as np
import pytest

from flotilla.errors import DataError
from flotilla.model.panel import Panel
from flotilla.stream.panels import get_panel, put_panel
from flotilla.stream.table import Store
from flotilla.testing import made_market


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
    assert all(field.flags.c_contiguous for field in again.fields.values())
    assert again.ts_event.tolist() == [10, 20, 30]
    assert again.ts_recv.tolist() == [20, 30, 40]
    assert again.ticks_per_unit.tolist() == [1000.0, 0.0]


def test_a_panel_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="no panel abcdabcd"):
        get_panel(Store(tmp_path), "abcdabcd")


def test_a_damaged_panel_is_written_anew_and_that_is_said(tmp_path, caplog):
    store, panel = Store(tmp_path), made_market(seed=3, bars=20, instruments=2)
    put_panel(store, panel)
    path = store.folder / panel.identity / "table.arrow"
    path.write_bytes(path.read_bytes()[:-64] + bytes(64))

    put_panel(store, panel)

    assert "its bytes are not those that were written; it is computed anew" in caplog.text
    np.testing.assert_array_equal(get_panel(store, panel.identity).fields["close"], panel.fields["close"])
