import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.campaign import trials
from tests.fleet.made_world import SECOND, World, fleet_of

from flotilla.errors import ConfigError, UnknownName
from flotilla.fleet.rules.fleet_state import down
from flotilla.fleet.rules.states import (
    ALIVE,
    TABLE,
    Ask,
    Beat,
    Over,
    Probed,
    SpawnFailed,
    Tick,
)
from flotilla.fleet.spec import graph

GRAPHS = trials(1_000, 10_000)
ARROWS = {(row.before, row.after) for row in TABLE}
DIAMOND = {"feed": [], "left": ["feed"], "right": ["feed"], "last": ["left", "right"]}


@st.composite
def sound_graphs(draw, most=9):
    """Graphs without a circle: who comes later may need who came before, in a shuffled file."""
    names = [f"p{number}" for number in range(draw(st.integers(1, most)))]
    needs = {
        name: draw(st.lists(st.sampled_from(names[:k]), unique=True)) if k else []
        for k, name in enumerate(names)
    }
    return {name: needs[name] for name in draw(st.permutations(names))}


@pytest.mark.campaign(GRAPHS)
@settings(max_examples=GRAPHS, deadline=None)
@given(sound_graphs(), st.integers(0, 2**32))
def test_any_graph_is_started_and_stopped_in_order_each_once(needs, seed):
    world = World(fleet_of(needs), seed)

    world.start()
    assert set(world.states().values()) == {"ready"}
    assert world.down()

    assert sorted(world.begun) == sorted(world.left) == sorted(needs)
    for name in needs:
        for need in needs[name]:
            assert world.begun.index(need) < world.begun.index(name)
            assert world.left.index(name) < world.left.index(need)


@pytest.mark.campaign(GRAPHS // 4)
@settings(max_examples=GRAPHS // 4, deadline=None)
@given(sound_graphs(7), st.integers(0, 2**32))
def test_whatever_happens_nothing_is_done_that_may_not_be(needs, seed):
    chance = random.Random(seed)
    groups = {"all": {"policy": "one_for_all"}, "rest": {"policy": "rest_for_one"}}
    changes = {
        name: {
            "group": chance.choice(["all", "rest", None]),
            "on_need_lost": chance.choice(["stop", "degrade"]),
            "health": {"heartbeat_s": 1.0} if chance.random() < 0.3 else {"probe": "tcp:127.0.0.1:9"},
            "probe_after": chance.choice([None, 20.0]),
            "kind": chance.choice(["service", "service", "job"]),
            "drain": {"signal": "USR1"} if chance.random() < 0.3 else None,
        }
        for name in needs
    }
    world = World(fleet_of(needs, fleet={"groups": groups}, **changes), seed)
    world.start()
    names = list(needs)

    for _ in range(60):
        something(world, chance, names)
        spent_within(world)
        if chance.random() < 0.7:
            world.rest()
    world.rest()
    world.pass_until(5)
    world.down()
    world.pass_until(400)

    assert down(world.fleet)
    assert not world.running
    assert {(before, after) for before, after in world.arrows} <= ARROWS


def something(world, chance, names):
    """Let one thing happen, sensible or not."""
    name = chance.choice(names)
    match chance.randrange(9):
        case 0 | 1 | 2:
            world.exit(name, chance.choice([0, 1, -9]))
        case 3:
            world.tell(Ask(chance.choice(["start", "stop", "restart", "drain"]), (name,)))
        case 4:
            world.tell(Over(name, chance.choice(["warn", "shed", "drain", "stop"])))
        case 5:
            world.tell(Probed(name, chance.random() < 0.4, "no answer"))
        case 6:
            world.tell(Beat(name))
        case 7:
            world.now += int(chance.random() * 3 * SECOND)
            world.tell(Tick())
        case _:
            world.step()


def spent_within(world):
    for life in world.fleet.lives.values():
        assert len(life.restarts) <= life.platform.max_restart_attempts


def test_a_stop_takes_those_that_need_it_first_and_leaves_the_others():
    world = World(fleet_of(DIAMOND | {"other": []}))
    world.start()

    world.tell(Ask("stop", ("left",)))
    world.rest()

    assert world.left == ["last", "left"]
    assert world.states() == {
        "feed": "ready",
        "left": "stopped",
        "right": "ready",
        "last": "stopped",
        "other": "ready",
    }


def test_a_start_takes_what_is_needed_first_and_nothing_else():
    world = World(fleet_of(DIAMOND | {"other": []}))

    world.start("left")

    assert world.begun == ["feed", "left"]


def test_a_job_is_awaited_where_it_must_be_completed():
    world = World(fleet_of({"job": [], "app": {"job": "completed"}}, job={"kind": "job"}))
    world.start()
    assert world.states() == {"job": "ready", "app": "waiting"}

    world.exit("job", 0)
    world.rest()

    assert world.states() == {"job": "completed", "app": "ready"}


def test_a_custom_sequence_starts_stage_by_stage():
    order = {"slow": [["b"], ["c", "a"]]}
    world = World(fleet_of({"a": [], "b": [], "c": []}, fleet={"sequences": order}))

    world.start("slow")

    assert world.begun[0] == "b"
    assert sorted(world.begun[1:]) == ["a", "c"]


def staged(**first):
    order = {"slow": [["b"], ["c"], ["a"]]}
    world = World(
        fleet_of(
            {"a": [], "b": [], "c": []}, b={"max_restart_attempts": 0} | first, fleet={"sequences": order}
        )
    )
    world.tell(Ask("start", ("slow",)))
    world.exit("b", 1)
    world.rest()
    assert world.states() == {"a": "waiting", "b": "failed", "c": "waiting"}
    return world


def test_a_stage_that_has_failed_holds_back_the_next_ones_until_it_is_there():
    world = staged()

    world.start("b")

    assert set(world.states().values()) == {"ready"}
    assert world.begun == ["b", "b", "c", "a"]


def test_a_stage_with_a_job_is_there_once_the_job_is_done():
    order = {"slow": [["job"], ["a"]]}
    world = World(fleet_of({"a": [], "job": []}, job={"kind": "job"}, fleet={"sequences": order}))

    world.start("slow")
    assert world.states() == {"a": "waiting", "job": "ready"}
    world.exit("job", 0)
    world.rest()

    assert world.states() == {"a": "ready", "job": "completed"}


def test_a_stage_that_has_failed_may_come_by_itself():
    world = staged(probe_after=5.0)

    world.pass_until(5.0)

    assert set(world.states().values()) == {"ready"}


def test_who_is_held_back_by_a_stage_starts_if_it_is_named():
    world = staged()

    world.start("a")

    assert world.states() == {"a": "ready", "b": "failed", "c": "waiting"}


def test_a_stage_that_is_stopped_holds_back_nobody():
    world = staged()

    world.tell(Ask("stop", ("b",)))
    world.rest()

    assert world.states() == {"a": "ready", "b": "stopped", "c": "ready"}


def test_what_cannot_be_asked_is_refused_and_changes_nothing():
    world = World(fleet_of(DIAMOND))
    with pytest.raises(UnknownName, match="did you mean feed"):
        world.tell(Ask("start", ("fed",)))
    assert not world.begun

    world.start()
    world.tell(Ask("down"))
    with pytest.raises(ConfigError, match="going down"):
        world.tell(Ask("start"))


def test_a_command_is_noted_before_what_it_does():
    world = World(fleet_of({"a": []}))

    world.tell(Ask("start", ("a",), "ann", "morning"))

    first = world.orders[0]
    assert (first.kind, first.data["who"], first.data["names"]) == ("command", "ann", ("a",))


def test_a_start_takes_back_a_stop_that_was_not_told_yet():
    world = World(fleet_of({"feed": [], "app": ["feed"]}))
    world.start()
    world.tell(Ask("stop", ("feed",)))
    assert world.states() == {"feed": "ready", "app": "stopping"}

    world.tell(Ask("start", ("app",)))
    world.rest()

    assert world.states() == {"feed": "ready", "app": "ready"}
    assert world.begun == ["feed", "app", "app"]


@pytest.mark.parametrize("asked", ["stop", "drain"])
def test_a_restart_of_one_that_is_stopping_starts_it_again(asked):
    world = World(fleet_of({"job": []}, job={"kind": "job"}))
    world.start()

    world.tell(Ask(asked, ("job",)))
    world.tell(Ask("restart", ("job",)))
    world.exit("job", 0)
    world.rest()

    assert world.states() == {"job": "ready"}
    assert world.begun.count("job") == 2


def test_a_stop_of_one_that_is_to_start_again_stops_it_for_good():
    world = World(fleet_of({"a": []}))
    world.start()

    world.tell(Ask("restart", ("a",)))
    world.tell(Ask("stop", ("a",)))
    world.rest()

    assert world.states() == {"a": "stopped"}


def test_a_spawn_that_fails_costs_budget_like_a_death():
    world = World(fleet_of({"a": []}))
    world.tell(Ask("start"))
    for _ in range(4):
        world.pending.clear()
        world.running.clear()
        world.tell(SpawnFailed("a", "no such file", 0.5))
        world.now += SECOND
        world.tell(Tick())

    assert world.states() == {"a": "failed"}
    assert len(world.begun) == 4


def test_the_fleets_own_time_kills_who_is_left():
    world = World(
        fleet_of({"a": [], "b": ["a"]}, every={"shutdown_timeout": 1000.0}, fleet={"shutdown_timeout": 5.0})
    )
    world.start()
    world.tell(Ask("down"))
    world.pending.clear()

    world.pass_until(5)

    assert down(world.fleet)


def test_levels_of_a_hundred_go_down_in_order_though_one_hangs():
    needs = {f"p{n}": [f"p{n // 5 - 1}"] if n >= 5 else [] for n in range(100)}
    world = World(fleet_of(needs))
    world.start()
    world.tell(Ask("down"))
    world.pending = [event for event in world.pending if not (isinstance(event, tuple) and event[1] == "p77")]
    world.rest()
    began = world.now

    world.pass_until(12)

    assert down(world.fleet)
    assert world.now - began <= 12 * SECOND
    for name, there in needs.items():
        assert all(world.left.index(name) < world.left.index(need) for need in there)
    assert len(graph.levels(needs)) == 3
    assert not any(life.state in ALIVE for life in world.fleet.lives.values())


HOURS = {"schedule": {"calendar": "XNYS", "start": "09:00", "stop": "15:35"}}


def test_who_has_hours_of_its_own_is_started_by_nobody_else_and_awaited():
    world = World(fleet_of({"feed": [], "base": [], "app": ["feed", "base"]}, feed=HOURS))

    world.tell(Ask("start", ("base", "app"), "supervisor", by_hours=True))
    world.rest()
    assert world.states() == {"feed": "stopped", "base": "ready", "app": "waiting"}

    world.tell(Ask("start", ("feed",), "schedule", by_hours=True))
    world.rest()
    assert set(world.states().values()) == {"ready"}


def test_who_was_stopped_with_what_it_needs_by_its_hours_comes_back_with_it():
    world = World(fleet_of({"feed": [], "app": ["feed"], "held": ["feed"]}, feed=HOURS))
    world.start()
    world.tell(Ask("stop", ("held",)))
    world.rest()

    world.tell(Ask("stop", ("feed",), "schedule", by_hours=True))
    world.rest()
    assert world.left == ["held", "app", "feed"]
    assert world.states() == {"feed": "stopped", "app": "waiting", "held": "stopped"}

    world.tell(Ask("start", ("feed",), "schedule", by_hours=True))
    world.rest()
    assert world.states() == {"feed": "ready", "app": "ready", "held": "stopped"}
