from dataclasses import replace

import msgspec
import numpy as np
import pytest

from flotilla.live.result import LiveResult
from flotilla.research import run
from flotilla.session.parity import compare


@pytest.fixture
def research(one):
    return run(one)


def replayed(research):
    """Return what a live run that did the same would leave."""
    none = np.array([], np.int64)
    return LiveResult(
        research.ts.copy(),
        research.equity.copy(),
        research.cash.copy(),
        research.orders,
        research.fills,
        {},
        none,
    )


def test_the_same_twice_is_equal(research):
    found = compare(replayed(research), research)

    assert found.equal
    assert all(side.equal for side in found.sides)
    assert {side.live == side.research for side in found.sides} == {True}


def test_one_bit_of_equity_is_a_difference_with_both_spelled_out(research):
    live = replayed(research)
    live.equity[-1] = np.nextafter(live.equity[-1], np.inf)

    found = compare(live, research)

    rows, ours, theirs = len(live.equity), repr(live.equity[-1].item()), repr(research.equity[-1].item())
    assert ours != theirs
    assert found.differences == [
        f"equity: 1 of {rows:,} rows differ, first row {rows - 1}: {ours} in live and {theirs} in research"
    ]
    assert [side.what for side in found.sides if not side.equal] == [
        "bars of equity",
        "final equity",
        "  its bits",
    ]


def test_minus_zero_is_not_zero(research):
    live = replayed(research)
    live.cash[3], research.cash[3] = -0.0, 0.0

    assert compare(live, research).differences == [
        f"cash: 1 of {len(live.cash):,} rows differ, first row 3: -0.0 in live and 0.0 in research"
    ]


def test_a_quantity_that_is_not_known_equals_itself(research):
    unknown = [msgspec.structs.replace(order, quantity=float("nan")) for order in research.orders]

    found = compare(replayed(research)._replace(orders=unknown), replace(research, orders=unknown))

    assert found.equal


def test_another_order_and_a_missing_one_are_named(research):
    first, *others = research.orders
    other = msgspec.structs.replace(first, weight=0.25)

    changed = compare(replayed(research)._replace(orders=[other, *others]), research)
    missing = compare(replayed(research)._replace(fills=research.fills[:-1]), research)

    weights = f"weight is 0.25 in live and {first.weight!r} in research"
    assert changed.differences == [
        f"orders: 1 of {len(research.orders)} differ, first number 0: {first.order_id}: {weights}"
    ]
    count = len(research.fills)
    assert missing.differences == [
        f"fills: 1 of {count} differ, first number {count - 1}: "
        f"live has none, research {research.fills[-1].fill_id}"
    ]


def test_the_rest_is_counted(research):
    found = compare(replayed(research)._replace(equity=research.equity + 1.0), research)

    (said,) = found.differences
    rows = len(research.equity)
    assert said.startswith(f"equity: {rows:,} of {rows:,} rows differ, first row 0: ")


def test_a_live_run_that_did_nothing_is_compared_all_the_same(research):
    none = np.array([])

    found = compare(
        LiveResult(none.astype(np.int64), none, none, [], [], {}, none.astype(np.int64)), research
    )

    assert not found.equal
    assert f"equity: live has 0 rows, research {len(research.equity)}" in found.differences
