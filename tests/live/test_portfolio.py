"""A portfolio's life in a run is the one that research gives it, whoever dies on the way."""

import random
from contextlib import closing

import pytest

from flotilla.builtin.gateways import paper
from flotilla.stream.log import LogReader


def test_a_run_comes_to_what_a_plain_loop_comes_to(cast, wanted, same):
    result = cast.finish()

    assert len(wanted.orders) > 100
    same(result, wanted)


@pytest.mark.parametrize("seed", range(6))
def test_a_run_whose_roles_die_again_and_again_comes_to_the_same(cast, wanted, same, seed):
    chance = random.Random(seed)
    for name in cast.names:
        cast.start(name)
    deaths = 0
    while deaths < 20:
        for _ in range(chance.randrange(200)):
            cast.step(chance.choice(cast.names))
        name = chance.choice(cast.names)
        cast.kill(name)
        cast.start(name)
        deaths += 1

    same(cast.finish(), wanted)
    taken = orders_taken(cast.run)
    assert sorted(taken) == sorted(set(taken)) == sorted(order.order_id for order in wanted.orders)


def orders_taken(run):
    """Return the ids of the orders that the paper broker wrote down itself."""
    with closing(LogReader(run.log("gateway"), paper.STREAM)) as log:
        return [paper.ORDERS.decode(row.payload).order_id for row in log.read(0, 100_000)]
