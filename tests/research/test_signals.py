"""A Python stage is opened once, computed once and kept; an expression is computed from its recipe."""

import sys

import numpy as np
import pytest

from flotilla.config import decode
from flotilla.errors import ConfigError, StageError
from flotilla.research import run, sweep
from flotilla.research.signals import Stages, targets_of, trees_of
from flotilla.stage import Window, close, sma
from flotilla.stage.window import stage_node
from flotilla.stream.table import Store
from flotilla.testing import made_market

MINE = """
from flotilla.stage import OnBar, Window, close
from flotilla.stage.window import stage_node

CALLS = []

class Model(Window):
    def __init__(self, level: float = 50.0):
        self.level = level

    def open(self):
        CALLS.append("open")
        self._offset = 0.0

    def over(self, close):
        CALLS.append("over")
        return (close > self.level + self._offset) * 1.0

    def close(self):
        CALLS.append("close")
        del self._offset

def inside(level: float = 50.0):
    return (stage_node(Model(level)) > 0.5) & (close > level / 2)

class Second(Window):
    inputs = (stage_node(Model(60.0)),)

    def over(self, signal):
        CALLS.append("second")
        return 1.0 - signal

class Each(OnBar):
    def start(self, instruments):
        return {}

    def on_bar(self, state, bar):
        return (bar.close > 50.0) * 1.0
"""


@pytest.fixture(scope="module")
def panel():
    return made_market(seed=1, bars=80, instruments=3)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def config(kind, **otherwise):
    return decode({"name": "staged", "strategies": {"s": {"kind": f"mine:{kind}"}}, **otherwise})


def calls(folder):
    """Return what the stages of the file were asked for so far, and forget it."""
    module = next(
        m for m in sys.modules.values() if str(getattr(m, "__file__", "")) == str(folder / "mine.py")
    )
    found = list(module.CALLS)
    module.CALLS.clear()
    return found


@pytest.mark.parametrize("kind", ["Model", "inside"])
def test_a_stage_is_opened_and_closed_around_its_one_call_wherever_it_stands(kind, panel, folder):
    result = run(config(kind), panel=panel, folder=folder)

    assert calls(folder) == ["open", "over", "close"]
    assert result.fills


def test_a_stage_that_was_computed_is_read_from_the_store(panel, folder, store):
    first = run(config("Model"), panel=panel, folder=folder, store=store)
    calls(folder)

    again = run(config("Model"), panel=panel, folder=folder, store=store)
    within = run(config("inside"), panel=panel, folder=folder, store=store)

    assert calls(folder) == []
    assert again.signals["s"].tobytes() == first.signals["s"].tobytes()
    assert within.fills
    assert [stored.recipe["stage"] for stored in store.list()] == ["stage(close, Model(level=50.0))"]


def test_a_sweep_computes_each_form_of_a_stage_once(panel, folder, store):
    axes = {"s.level": [40.0, 50.0, 60.0], "portfolio.fee_bps": [0, 5, 10]}

    swept = sweep(config("Model", sweep=axes), panel=panel, folder=folder, store=store)
    first = calls(folder)
    other = sweep(config("Model", sweep=axes, portfolio={"lot": 1}), panel=panel, folder=folder, store=store)

    assert first.count("over") == 3
    assert calls(folder) == []
    assert swept.table.height == other.table.height == 9


def test_one_stage_may_read_another(panel, folder, store):
    result = run(config("Second"), panel=panel, folder=folder, store=store)

    assert calls(folder) == ["open", "over", "close", "second"]
    expected = 1.0 - (panel.fields["close"] > 60.0)
    assert result.signals["s"].tolist() == expected.tolist()
    assert len(store.list()) == 2


@pytest.mark.parametrize("change", ["text", "parameter", "bars"])
def test_another_file_parameter_or_panel_is_computed_anew(change, panel, folder, store):
    run(config("Model"), panel=panel, folder=folder, store=store)
    calls(folder)
    otherwise = {}
    if change == "text":
        (folder / "mine.py").write_text(MINE.replace("CALLS = []", "CALLS = []\nVERSION = 2"))
    if change == "parameter":
        otherwise = {"strategies": {"s": {"kind": "mine:Model", "params": {"level": 51.0}}}}

    used = panel.rows(0, 79) if change == "bars" else panel
    run(config("Model", **otherwise), panel=used, folder=folder, store=store)

    assert len(store.list()) == 2


def test_rows_whose_bytes_changed_are_computed_anew_and_that_is_said(panel, folder, store, caplog):
    first = run(config("Model"), panel=panel, folder=folder, store=store)
    (path,) = store.folder.glob("*/table.arrow")
    path.write_bytes(bytes(len(path.read_bytes())))
    calls(folder)

    again = run(config("Model"), panel=panel, folder=folder, store=store)

    assert calls(folder) == ["open", "over", "close"]
    assert again.signals["s"].tobytes() == first.signals["s"].tobytes()
    assert "its bytes are not those that were written; it is computed anew" in caplog.text
    assert len(store.verify()) == 1


def test_rows_that_cannot_be_kept_are_of_use_all_the_same_and_that_is_said(panel, folder, store, caplog):
    store.folder.write_text("")  # a file, where a folder should be

    found = run(config("Model"), panel=panel, folder=folder, store=store)

    assert calls(folder) == ["open", "over", "close"]
    assert len(found.orders) > 0
    assert "are not kept" in caplog.text
    assert f"{store.folder}" in caplog.text


def test_a_sweep_whose_bytes_changed_is_computed_anew(panel, store, caplog):
    swept = decode(
        {"name": "s", "strategies": {"s": {"kind": "ma_cross"}}, "sweep": {"s.fast": [3, 5], "s.slow": [8]}}
    )
    first = sweep(swept, panel=panel, store=store)
    path = store.folder / first.identity / "table.arrow"
    path.write_bytes(path.read_bytes().replace(b"sharpe", b"shaspe"))

    again = sweep(swept, panel=panel, store=store)

    assert not again.reused
    assert again.table.equals(first.table)
    assert f"{first.identity} is damaged" in caplog.text
    assert sweep(swept, panel=panel, store=store).reused


def test_a_stage_that_fails_is_closed_all_the_same(panel):
    closed = []

    class Failing(Window):
        def over(self, close):
            raise ValueError("no")

        def close(self):
            closed.append(True)

    with pytest.raises(Exception, match="no"):
        Stages(panel, panel.fields, None).replace([stage_node(Failing())])

    assert closed == [True]


def test_expressions_are_left_as_they_are(panel):
    node = close > sma(close, 5)

    stages = Stages(panel, panel.fields, None)

    assert stages.replace([node]) == [node]
    assert stages.fields.keys() == panel.fields.keys()


def test_strategies_are_found_and_called_with_their_parameters(folder):
    params = {
        "strategies": {"s": {"kind": "mine:inside", "params": {"level": 40.0}}, "h": {"kind": "buy_and_hold"}}
    }
    found = config("Each", **params)

    assert list(targets_of(found, folder)) == ["s", "h"]
    assert "Model(level=40.0)" in repr(trees_of(found, targets_of(found, folder))["s"])


def test_stored_rows_have_the_bits_of_computed_ones(panel, folder, store):
    stages = [Stages(panel, panel.fields, kept) for kept in (None, store, store)]
    one = config("Each")
    node = trees_of(one, targets_of(one, folder))["s"]

    rows = []
    for one in stages:
        (replaced,) = one.replace([node])
        rows.append(np.ascontiguousarray(one.fields[replaced.params[0]]).tobytes())

    assert rows[0] == rows[1] == rows[2]


BAD = """
import numpy as np
from flotilla.stage import Window, close, sma


def short(n: int = 0):
    return close > sma(close, n)


def divided(n: int = 0):
    return close > 1 / n


class Loud(Window):
    def __init__(self, strength: float = 3.0):
        self.strength = strength

    def over(self, close):
        out = np.ones(close.shape)
        out[4, 1] = self.strength
        return out


def louder():
    return Loud(30.0)


def feature():
    from flotilla.stage.window import stage_node
    return stage_node(Loud(9.0)) > 5
"""


@pytest.fixture
def bad(tmp_path):
    (tmp_path / "mine.py").write_text(BAD)
    return tmp_path


def test_a_mistake_that_an_operator_finds_names_the_strategy_and_the_line_of_its_file(panel, bad):
    said = rf"\$\.strategies\.s: mine:short \({bad}/mine.py, line 7\): sma looks back .* not over 0"

    with pytest.raises(ConfigError, match=said):
        run(config("short"), panel=panel, folder=bad)
    with pytest.raises(ConfigError, match=said):
        sweep(config("short", sweep={"s.n": [0, 1]}), panel=panel, folder=bad)


def test_whatever_else_goes_wrong_in_a_strategy_is_told_with_its_line(panel, bad):
    with pytest.raises(StageError, match=r"mine:divided \(.*mine.py, line 11\): ZeroDivisionError"):
        run(config("divided"), panel=panel, folder=bad)


def test_a_signal_that_is_none_is_refused_with_its_time_and_instrument(panel, bad):
    for call in (
        lambda: run(config("Loud"), panel=panel, folder=bad),
        lambda: run(config("louder"), panel=panel, folder=bad),
        lambda: sweep(config("Loud", sweep={"s.strength": [1.0, 3.0]}), panel=panel, folder=bad),
        lambda: sweep(config("Loud", sweep={"portfolio.fee_bps": [1, 3]}), panel=panel, folder=bad),
    ):
        with pytest.raises(StageError, match="a signal is between -1 and 1") as caught:
            call()
        assert (caught.value.ts, caught.value.instrument) == (panel.ts_event[4], panel.instruments[1])


def test_a_stage_that_is_not_the_strategy_may_say_what_it_likes(panel, bad):
    assert run(config("feature"), panel=panel, folder=bad).identity
