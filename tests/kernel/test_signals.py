"""The signals of a lane, from its own columns of the shared features, are those that it has alone."""

from math import isnan

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kernel.worlds import FOLDER, worlds

from flotilla.config import decode
from flotilla.kernel.signals import average, blank
from flotilla.model.measures import RANKED
from flotilla.research import run, sweep

# Axes that are neighbours in the features, that jump about in them, and that are numbers of each lane.
AXES = {
    "a": [{"from": 2, "to": 9}, {"from": 2, "to": 40}, [3], [9, 2, 5]],
    "b": [[4], [12, 3, 30, 7], {"from": 3, "to": 21, "step": 3}],
    "x": [[0.5], [0.0, 0.25, 3.0]],
}


@st.composite
def swept(draw, trees):
    """Draw a configuration of so many random expressions, each with some of its parameters swept."""
    strategies, axes = {}, {}
    for n in range(trees):
        name = f"s{n}"
        seed = draw(st.integers(0, 10_000))
        strategies[name] = {
            "kind": "told:grown",
            "params": {"seed": seed},
            "weight": draw(st.sampled_from([1, 2.5])),
        }
        for key in draw(st.sets(st.sampled_from("abx"), max_size=3 if trees == 1 else 1)):
            axes[f"{name}.{key}"] = draw(st.sampled_from(AXES[key]))
    if draw(st.booleans()):
        axes["s0.weight"] = [0.5, 1.0]
    return decode({"name": "grown", "strategies": strategies, "sweep": axes})


def assert_some_alone(config, world, data):
    result = sweep(config, panel=world.panel, folder=FOLDER)

    some = data.draw(st.sets(st.integers(0, result.grid.size - 1), min_size=1, max_size=3))
    for k in some:
        row = result.table.filter(result.table["portfolio"] == k).row(0, named=True)
        alone = run(result.config_of(k), panel=world.panel, folder=FOLDER).measures
        wrong = {n: (row[n], alone[n]) for n in RANKED if not same(row[n], alone[n])}
        assert wrong == {}, result.grid.values(k)


def same(row, alone):
    return row == alone or (row is None and isnan(alone))


@settings(max_examples=80)
@given(st.data())
def test_a_random_expression_says_in_a_lane_what_it_says_alone(data):
    with np.errstate(all="ignore"):
        assert_some_alone(data.draw(swept(1)), data.draw(worlds()), data)


@settings(max_examples=30)
@given(st.data())
def test_several_random_expressions_are_fused_in_a_lane_as_alone(data):
    with np.errstate(all="ignore"):
        assert_some_alone(data.draw(swept(3)), data.draw(worlds()), data)


def test_nobody_outweighs_its_share_by_saying_more_than_1():
    inf, nan = np.inf, np.nan
    first = np.array([[5.0, inf, -inf, 1e308, 0.5, nan, -3.0]])
    second = np.array([[0.0, 0.0, 0.0, 1e308, 1e308, 7.0, nan]])
    sums, out = np.empty((3, *first.shape)), np.empty(first.shape)

    blank(sums, out)
    for said in (first, second):
        average(said, np.full(7, 2.0), sums, out)

    assert out.tolist() == [[0.5, 0.5, -0.5, 1.0, 0.75, 1.0, -1.0]]
