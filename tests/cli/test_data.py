import numpy as np

from flotilla.cli.data import coverage
from flotilla.model.panel import Panel

DAY = 86_400_000_000_000


def panel_of(*columns, per_unit=(100.0, 0.0)):
    ts = np.arange(len(columns[0]), dtype=np.int64) * DAY
    close = np.array(columns, np.float64).T.copy()
    return Panel(ts, ts + DAY, ("A", "B")[: len(columns)], {"close": close}, np.array(per_unit), "00", "made")


def test_the_source_is_told_instrument_by_instrument(call, one):
    found = call("data", one)

    assert "sample: 3 instruments, 757 bars, 2019-01-02 to 2021-12-31" in found.out
    assert "0.001" in found.out
    assert "close; longest pause between two bars: 4 days; no holes" in found.err


def test_its_json_says_the_same(call, one):
    found = call("data", one, "--json").json

    assert [each["name"] for each in found["instruments"]] == ["AAPL", "JNJ", "KO"]
    assert found["instruments"][0] == {
        "name": "AAPL",
        "first": "2019-01-02",
        "last": "2021-12-31",
        "closes": 757,
        "holes": 0,
        "longest_hole": 0,
        "tick": 0.001,
    }


def test_holes_are_bars_without_a_close_between_the_first_and_the_last():
    nan = np.nan
    panel = panel_of([nan, 1.0, nan, nan, 2.0, nan, 3.0, nan], [nan] * 8)

    known, nothing = coverage(panel, 0), coverage(panel, 1)

    assert (known.first, known.last, known.closes) == ("1970-01-02", "1970-01-07", 3)
    assert (known.holes, known.longest_hole, known.tick) == (3, 2, 0.01)
    assert nothing == ("B", None, None, 0, 0, 0, None)
