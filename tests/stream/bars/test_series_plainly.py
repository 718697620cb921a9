"""Jumps and spikes, bar by bar: the specification that the search over arrays is held to."""

from itertools import pairwise
from math import log
from statistics import median

import numpy as np
import pytest

from flotilla.stream.bars.series.jumps import jumps, spikes, steps_of, usual

FACTORS = [0.5, 2, 1 / 3, 3, 1 / 7, 10, 100, 0.01, 1.9, 3.3, 0.6]


def prices(seed):
    """Return a walk of up to 60 closes with large changes that stay, and one that is back in the next."""
    make = np.random.default_rng(seed)
    count = int(make.integers(0, 60))
    close = np.exp(np.cumsum(make.normal(0, 0.01, count)))
    for _ in range(int(make.integers(0, 4))):
        close[int(make.integers(0, count + 1)) :] *= make.choice(FACTORS)
    if count and make.random() < 0.5:
        close[int(make.integers(0, count))] *= 9
    return close


def plainly(close, from_size):
    """Return (the bars that are spikes, (bar, size) of each change that stays), by the words of the docs."""
    steps = [abs(log(b) - log(a)) for a, b in pairwise(close)]
    moved = [step for step in steps if step > 0]
    least = max(0.2, 15 * median(moved)) if moved else 0.2
    bad = [
        at
        for at in range(1, len(close) - 1)
        if steps[at - 1] > least and abs(log(close[at + 1]) - log(close[at - 1])) < 0.25 * steps[at - 1]
    ]
    stays = [
        at
        for at in range(1, len(close))
        if steps[at - 1] > max(least, log(from_size)) and at not in bad and at - 1 not in bad
    ]
    return bad, [(at, close[at] / close[at - 1]) for at in stays]


@pytest.mark.parametrize("from_size", [1.0, 1.8])
def test_the_search_over_arrays_finds_what_a_look_at_each_bar_does(from_size):
    some = 0
    for seed in range(200):
        close = prices(seed)
        bad, stays = plainly(close.tolist(), from_size)

        assert np.flatnonzero(spikes(close)).tolist() == bad
        assert [(jump.at, jump.ratio) for jump in jumps(close, from_size)] == stays
        some += len(bad) + len(stays)
    assert some > 100


def test_the_middle_of_an_even_count_is_the_mean_of_two():
    close = np.exp([0.0, 0.1, 0.1, 0.4])  # steps of 0.1, 0 and 0.3: a step of 0 is none

    assert usual(close) == pytest.approx(0.2)
    assert steps_of(close).least == pytest.approx(3.0)
    assert usual(np.ones(5)) == 0.0
