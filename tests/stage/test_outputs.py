"""A stage with several outputs: each is an expression, and all are computed together, once."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from flotilla.errors import StageError, UnknownName
from flotilla.research import panel_from, run
from flotilla.stage import Fold, OnBar, Window, close
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.plan import plan, warm_up
from flotilla.stage.window import stage_node
from flotilla.stream.table import Store
from flotilla.testing import check_strategy, made_market

CALLS = []


class Line(Window):
    """The mean of the last rows, and how far the last is from it."""

    outputs = ("mean", "distance")

    def __init__(self, n=4):
        self.lookback = n

    def over(self, close):
        CALLS.append(len(close))
        mean = np.full(close.shape, np.nan)
        for t in range(self.lookback - 1, len(close)):
            mean[t] = close[t - self.lookback + 1 : t + 1].sum(axis=0) / self.lookback
        return mean, close - mean


class Levels(OnBar):
    """The highest and the lowest close so far."""

    outputs = ("top", "bottom")

    def start(self, instruments):
        return {"top": np.full(instruments, -np.inf), "bottom": np.full(instruments, np.inf)}

    def on_bar(self, state, bar):
        state["top"][:] = np.fmax(state["top"], bar.close)
        state["bottom"][:] = np.fmin(state["bottom"], bar.close)
        return state["top"], state["bottom"]


class Sums(Fold):
    """The sum and the count of closes so far."""

    outputs = ("total", "count")

    def start(self, instruments):
        return np.zeros((2, instruments))

    def advance(self, state, close):
        total, count = np.empty(close.shape), np.empty(close.shape)
        for t in range(len(close)):
            state[0] += np.nan_to_num(close[t])
            state[1] += ~np.isnan(close[t])
            total[t], count[t] = state
        return total, count


def above(n=4):
    """Long where the close is above its mean, and not at its lowest."""
    line, levels = Line(n), Levels()
    return (line["distance"] > 0) & (close > levels["bottom"])


def near():
    """Long where the close is above the mean so far, and not at its highest."""
    sums, levels = Sums(), Levels()
    return (close > sums["total"] / sums["count"]) & (close < levels["top"])


def rows_of(roots, fields, cuts):
    runner = ChunkRunner(roots, 2, np.zeros(2))
    edges = [0, *cuts, len(fields["close"])]
    return np.concatenate([runner.advance({"close": fields["close"][a:b]}) for a, b in pairwise(edges)])


@pytest.fixture
def fields():
    values = np.random.default_rng(2).normal(100.0, 5.0, (30, 2))
    values[7, 1] = np.nan
    return {"close": values}


def test_each_output_is_an_expression_with_the_bits_of_any_split(fields):
    line, levels, sums = Line(), Levels(), Sums()
    reach, mean = levels["top"] - levels["bottom"], sums["total"] / sums["count"]
    roots = [line["mean"], line["distance"] * 2, reach, mean]

    whole = rows_of(roots, fields, [])

    assert rows_of(roots, fields, [3, 4, 19]).tobytes() == whole.tobytes()
    assert rows_of(roots, fields, range(1, 30)).tobytes() == whole.tobytes()
    x = fields["close"]
    assert whole[3, 0, 0] == x[:4, 0].sum() / 4
    assert whole[29, 0, 2] == x[:, 0].max() - x[:, 0].min()
    assert whole[29, 1, 3] == pytest.approx(np.nanmean(x[:, 1]))


def test_all_are_computed_together_once(fields):
    CALLS.clear()
    line = Line()

    rows_of([line["mean"], line["distance"], line["mean"] > 0], fields, [])

    assert CALLS == [30]


def test_a_plan_says_which_output_is_taken_and_how_much_history_it_needs():
    told = str(plan([Line(7)["distance"] > 0]))

    assert "Line(lookback=7)" in told
    assert "['distance']" in told
    assert warm_up(Line(7)["mean"]) == 7


def test_a_stage_with_one_output_has_it_under_its_name(fields):
    class Twice(Window):
        def over(self, close):
            return close * 2

    assert rows_of([Twice()["signal"] - close], fields, [])[5, 0, 0] == fields["close"][5, 0]


def test_outputs_are_kept_in_the_store_and_taken_from_there(tmp_path):
    panel, store = made_market(seed=4, bars=60, instruments=3), Store(tmp_path)

    computed = run(near, panel, store=store)
    kept = store.list()
    again = run(near, panel, store=store)
    anew = run(near, panel)

    assert [(table.rows, table.kind) for table in kept] == [(60, "signals")] * 2
    assert [table.created_ns for table in store.list()] == [table.created_ns for table in kept]
    assert computed.equity.tobytes() == again.equity.tobytes() == anew.equity.tobytes()


def test_a_strategy_with_them_keeps_its_promises():
    check_strategy(above, n=5)


def test_as_a_whole_it_is_told_to_name_one():
    with pytest.raises(StageError, match=r"has the outputs mean, distance: .* as Line\(\.\.\.\)\['mean'\]"):
        stage_node(Line())
    with pytest.raises(UnknownName, match="did you mean mean"):
        Line()["meen"]


@pytest.mark.parametrize("outputs", ["mean", (), ("a", "a"), ("a b",), ["a", "b"], (1, 2)])
def test_outputs_are_names_each_once(outputs):
    stage = Line()
    stage.outputs = outputs

    with pytest.raises(StageError, match="should be names, each once"):
        stage_node(stage)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (lambda x: x, "gave ndarray, and has 2 outputs; it must give a tuple of 2 arrays: mean, distance"),
        (lambda x: (x,), "gave 1 of them"),
        (lambda x: (x, x[:3]), r"gave \(3, 2\) for 30 rows of 2 instruments"),
        (lambda x: (x, x.astype(str)), "it must give numbers"),
    ],
)
def test_what_is_not_an_array_for_each_is_refused(fields, given, told):
    class Wrong(Line):
        def over(self, close):
            return given(close)

    with pytest.raises(StageError, match=told):
        rows_of([Wrong(1)["mean"]], fields, [])


def test_one_that_is_a_whole_strategy_is_checked_as_a_signal():
    days = pd.date_range("2024-01-01", periods=30)
    panel = panel_from(pd.DataFrame({"A": np.linspace(10, 20, 30)}, index=days))

    with pytest.raises(StageError, match="a signal is between -1 and 1"):
        run(lambda: Levels()["top"], panel)
