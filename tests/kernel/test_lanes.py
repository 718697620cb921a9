"""Many portfolios at once: each is the one that `reference.py` says, and the one that `run` simulates."""

from math import isnan
from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kernel.worlds import BANDS, FOLDER, SHARES, TERMS, first_row, manners, worlds

from flotilla.model.measures import RANKED
from flotilla.research import run, sweep
from flotilla.research.annual import bars_a_year, years_of

COUNTS = [1, 2, 16, 17, 130, 300]  # of lanes: alone, less and more than a group, more than a block


@st.composite
def lists(draw, world):
    """Draw a list of portfolios that share nothing but the market and the manner of trading."""
    rng, count = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.sampled_from(COUNTS))
    told = {f"s{n}": {"weight": 1.0, "k": 0} for n in range(draw(st.integers(1, 3)))}
    manner = draw(manners(world))
    config = world.config(manner, told)
    swept = {f"portfolio.{name}": [v for v in values if v is not None] for name, values in TERMS.items()}
    if "allocation" in manner:
        del swept["portfolio.allocation"]
    if manner["rebalance"] != "change":
        swept["portfolio.rebalance.band"] = BANDS
    swept |= {f"{name}.k": list(range(8)) for name in told}
    swept |= {f"{name}.weight": SHARES for name in told}
    swept |= {"s0.weight": [1.0, 0.5]}  # so that somebody is heard
    portfolios = {key: rng.choice(values, count).tolist() for key, values in swept.items()}
    if draw(st.booleans()):  # nearly all say the same, so that a single one's news must not be missed
        alone = rng.choice(count, min(count, 3), replace=False).tolist()
        for name in told:
            portfolios[f"{name}.k"] = [k if n in alone else 0 for n, k in enumerate(portfolios[f"{name}.k"])]
        return config, portfolios, alone
    return config, portfolios, rng.choice(count, min(count, 4), replace=False).tolist()


def row_of(result, k):
    """Return the measures of portfolio k, NaN where one is not defined."""
    row = result.table.filter(result.table["portfolio"] == k).row(0, named=True)
    return {name: float("nan") if row[name] is None else row[name] for name in RANKED}


def differences(a, b):
    return {n: (a[n], b[n]) for n in RANKED if not (a[n] == b[n] or (isnan(a[n]) and isnan(b[n])))}


@settings(max_examples=60)
@given(st.data())
def test_every_lane_lives_as_the_reference_says_in_every_bit(data):
    world = data.draw(worlds())
    config, portfolios, some = data.draw(lists(world))
    workers, stretch = data.draw(st.integers(1, 5)), data.draw(st.sampled_from([1, 1 << 26]))

    with patch("flotilla.portfolio.lanes.FEATURE_BYTES", stretch):
        swept = sweep(config, panel=world.panel, folder=FOLDER, portfolios=portfolios, workers=workers)

    ts = world.panel.ts_event
    year = years_of(ts[first_row(world.panel, config) :]), bars_a_year(ts)
    for k in some:
        expected = world.simulated(swept.config_of(k)).measures(*year)
        assert differences(row_of(swept, k), expected) == {}, f"portfolio {k}"


@settings(max_examples=60)
@given(st.data())
def test_a_lane_has_the_bits_of_a_portfolio_alone(data):
    world = data.draw(worlds())
    config, portfolios, some = data.draw(lists(world))

    swept = sweep(config, panel=world.panel, folder=FOLDER, portfolios=portfolios)

    for k in some:
        alone = run(swept.config_of(k), panel=world.panel, folder=FOLDER)
        assert differences(row_of(swept, k), alone.measures) == {}, f"portfolio {k}"


@settings(max_examples=60)
@given(st.data())
def test_a_lane_does_not_know_who_its_neighbours_are(data):
    world = data.draw(worlds())
    config, portfolios, _ = data.draw(lists(world))
    rng, count = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1))), len(portfolios["s0.k"])
    seats = rng.permutation(count)[: rng.integers(1, count + 1)]  # some of them, elsewhere

    together = sweep(config, panel=world.panel, folder=FOLDER, portfolios=portfolios)
    moved = {key: [values[k] for k in seats] for key, values in portfolios.items()}
    apart = sweep(config, panel=world.panel, folder=FOLDER, portfolios=moved)

    before = together.table.sort("portfolio")[seats.tolist()]
    assert bits(apart.table.sort("portfolio")) == bits(before)


def bits(table):
    return {name: repr(table[name].to_list()) for name in RANKED}
