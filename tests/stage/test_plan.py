"""A plan is a value, and says what is computed, in which order and from when on."""

import numpy as np
import pytest

from flotilla.errors import UnknownName
from flotilla.stage.calendar import month, starts
from flotilla.stage.expression import Column, Node, close, field, high, low, open_, volume, walk
from flotilla.stage.fold import Fold
from flotilla.stage.operators import atr, delay, ema, ffill, named, of, returns, rsi, sma, std, where
from flotilla.stage.plan import in_ticks, placed, plan, warm_up
from flotilla.stage.window import Window, stage_node


def test_a_mean_of_20_returns_over_5_rows_needs_25_rows_of_price():
    assert warm_up(sma(returns(close, 5), 20)) == 25


def test_warm_ups_are_added_along_the_tree_and_the_longest_branch_counts():
    assert warm_up(close) == 1
    assert warm_up(delay(close, 3)) == 4
    assert warm_up(sma(close, 10) > sma(close, 30)) == 30
    assert warm_up(rsi(close, 14)) == 15
    assert warm_up(ema(ema(close, 10), 10)) == 19
    assert warm_up(atr(high, low, close, 14)) == 15
    assert warm_up(where(close > 3, std(sma(close, 5), 4), 0)) == 8


def test_a_swept_window_warms_up_as_long_as_its_longest():
    assert warm_up(sma(close, Column(np.array([5, 50, 20])))) == 50


def test_a_stage_warms_up_as_it_says():
    class Look(Window):
        lookback = 12

    class Remember(Fold):
        warm_up = 7

    assert warm_up(stage_node(Look())) == 12
    assert warm_up(sma(stage_node(Remember()), 3)) == 9


def test_a_plan_names_every_node_after_what_it_reads_and_once():
    fast, slow = sma(close, 10), sma(close, 30)

    made = plan([fast > slow, fast + 1])

    place = {node: k for k, node in enumerate(made.order)}
    assert len(place) == len(made.order) == 6
    assert all(place[i] < place[node] for node in made.order for i in node.inputs)
    assert [list(map(repr, nodes)) for nodes in made.banks] == [["sma(close, 10)", "sma(close, 30)"]]
    assert made.fields == ("close",)
    assert made == plan([fast > slow, fast + 1])  # equal trees are one object, so nobody asks them ==


def test_a_plan_can_be_read():
    crosses = [sma(close, n) > sma(close, 50) for n in range(5, 12)]
    roots = [*crosses, sma(close, 50) * 2 > ema(volume, 3)]

    assert str(plan(roots)) == "\n".join(
        [
            "reads close, volume",
            "  1. sma(close, n) for n = 5, 6 .. 50: 8 together, from row 50, keeps 50",
            *(
                f"{k + 2:3}. sma(close, {n}) > sma(close, 50), from row 50"
                for k, n in enumerate(range(5, 12))
            ),
            "  9. sma(close, 50) * 2, from row 50",
            " 10. ema(volume, 3), from row 3",
            " 11. (sma(close, 50) * 2) > ema(volume, 3), from row 50",
            "speaks from row 50",
        ]
    )


def test_a_sweep_can_be_read():
    root = sma(close, Column(np.array([5, 50, 20]))) > 0

    assert "sma(close, <3 values>) > 0, from row 50" in str(plan([root]))


def test_a_plan_speaks_the_words_that_strategies_are_written_in():
    root = (abs(-close) != 3) & ~(starts(month) == 1) | (of("SPY", field("mood")) ** 2 > ema(open_, 5))

    steps = str(plan([root])).splitlines()

    assert steps[0] == "reads close, month, mood, open"
    assert [line.split(". ")[1].split(", from")[0] for line in steps[1:-1]] == [
        "-close",
        "abs(-close)",
        "abs(-close) != 3",
        "delay(month, 1)",
        "month != delay(month, 1)",
        "(month != delay(month, 1)) == 1",
        "~((month != delay(month, 1)) == 1)",
        "(abs(-close) != 3) & ~((month != delay(month, 1)) == 1)",
        'of("SPY", field("mood"))',
        'of("SPY", field("mood")) ** 2',
        "ema(open_, 5)",
        '(of("SPY", field("mood")) ** 2) > ema(open_, 5)',
        "((abs(-close) != 3) & ~((month != delay(month, 1)) == 1)) | "
        '((of("SPY", field("mood")) ** 2) > ema(open_, 5))',
    ]


def test_an_instrument_that_is_named_is_placed_at_its_column():
    root = sma(of("SPY", close), 3) * named("QQQ") + sma(close, 3)

    (done,) = placed([root], ("QQQ", "SPY"))

    assert repr(done) == repr(root)
    assert [node.params for node in walk([done]) if node.op in ("of", "named")] == [("SPY", 1), ("QQQ", 0)]
    assert done.inputs[1] is root.inputs[1]


def test_an_instrument_that_is_not_there_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="no instrument of the data is called 'SPX'; did you mean SPY"):
        placed([of("SPX", close)], ("QQQ", "SPY"))


def test_an_unknown_operator_is_named():
    with pytest.raises(UnknownName, match="no operator is called 'smaa'; did you mean sma"):
        plan([Node("smaa", (3,), (close,))])


def test_prices_stay_whole_ticks_as_long_as_nothing_is_computed_with_them():
    assert in_ticks(close)
    assert in_ticks(delay(ffill(high), 3))
    assert not in_ticks(volume)
    assert not in_ticks(close + 0)
    assert not in_ticks(sma(close, 3))
    assert not in_ticks(Node("field", ("month",)))
