import csv
import gzip
from datetime import date

import numpy as np
import pytest

from flotilla.builtin.sources import sample
from flotilla.builtin.sources.sample import Sample
from flotilla.clock import DAY_NS
from flotilla.errors import DataError
from flotilla.plugins import find


@pytest.fixture(scope="module")
def panel():
    return Sample().panel()


def test_every_close_is_the_one_in_the_file_to_the_bit(panel):
    with gzip.open(sample._data_file(), "rt") as file:
        header, *rows = csv.reader(file)

    assert panel.instruments == tuple(header[1:])
    assert [row[0] for row in rows] == [str(ts.astype("M8[D]")) for ts in panel.ts_event.astype("M8[ns]")]
    closes = np.array([[float(cell) for cell in row[1:]] for row in rows])
    assert np.array_equal(closes.view(np.int64), panel.fields["close"].view(np.int64))


def test_it_is_what_it_says(panel):
    assert panel.shape == (8313, 20)
    assert list(panel.fields) == ["close"]
    assert not np.isnan(panel.fields["close"]).any()
    assert panel.ticks_per_unit.tolist() == [1000.0] * 20
    assert set((panel.ts_recv - panel.ts_event).tolist()) == {DAY_NS}
    assert panel.identity == Sample().panel().identity


def test_days_and_instruments_are_chosen():
    part = find("source", "sample")().panel(date(2020, 1, 1), date(2020, 1, 31), ["XOM", "AAPL"])

    assert part.shape == (21, 2)
    assert part.instruments == ("XOM", "AAPL")


def test_a_damaged_file_is_told(monkeypatch, tmp_path):
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(sample._data_file().read_bytes()[:1000])
    monkeypatch.setattr(sample, "_data_file", lambda: cut)

    with pytest.raises(DataError, match="cannot be unpacked"):
        Sample().panel()
