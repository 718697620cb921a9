"""A portfolio's life in a run is the one that research gives it, whoever dies on the way."""

import random
from contextlib import closing

import pytest
from tests.campaign import trials

from flotilla.builtin.gateways import paper
from flotilla.live.progress import simulated_bars
from flotilla.live.roles import EQUITY_LOG
from flotilla.stream.log import LogReader

SEEDS = trials(4, 150)


def test_a_run_comes_to_what_a_plain_loop_comes_to(cast, wanted, same):
    result = cast.finish()

    assert len(wanted.orders) > 100
    same(result, wanted)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(SEEDS))
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


def test_several_portfolios_of_one_run_each_come_to_what_they_come_to_alone(several, panel, expect, same):
    wanted = expect(several.run, panel)

    found = several.finish_all()

    assert [*found] == [f"made-{name}" for name in ("all", "few", "still", "lots")]
    assert [len(one.orders) > 20 for one in wanted.values()] == [True, True, False, True]
    for name, one in wanted.items():
        same(found[name], one)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(SEEDS))
def test_several_come_to_the_same_though_roles_die_again_and_again(several, panel, expect, same, seed):
    wanted, chance = expect(several.run, panel), random.Random(seed)
    for name in several.names:
        several.start(name)
    for _ in range(20):
        for _ in range(chance.randrange(200)):
            several.step(chance.choice(several.names))
        name = chance.choice(several.names)
        several.kill(name)
        several.start(name)

    found = several.finish_all()

    for name, one in wanted.items():
        same(found[name], one)
    taken = orders_taken(several.run)
    sent = [order.order_id for one in wanted.values() for order in one.orders if order.quantity != 0.0]
    assert sorted(taken) == sorted(sent)


def test_progress_counts_bars_and_not_rows(several):
    several.play(lambda: simulated_bars(several.run) > 20)

    done = simulated_bars(several.run)
    with closing(several.run.reader(EQUITY_LOG)) as log:
        assert log.last_seq() == 4 * done


def orders_taken(run):
    """Return the ids of the orders that the paper broker wrote down itself."""
    with closing(LogReader(run.log("gateway"), paper.STREAM)) as log:
        return [paper.ORDERS.decode(row.payload).order_id for row in log.read(0, 100_000)]
