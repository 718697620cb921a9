import random

import pytest

from flotilla.errors import InvalidTransition
from flotilla.fleet.history.kinds import mistake
from flotilla.fleet.rules.decide import decide_platform
from flotilla.fleet.rules.platform_state import Life, due_ns
from flotilla.fleet.rules.states import (
    ALIVE,
    TABLE,
    Adopted,
    Alert,
    Beat,
    Drained,
    Exited,
    Go,
    HostFound,
    HostLost,
    Hung,
    Kill,
    NeedBack,
    NeedLost,
    Note,
    Over,
    Probed,
    Readied,
    Restored,
    Spawn,
    Spawned,
    SpawnFailed,
    Start,
    State,
    Stop,
    Sweep,
    Terminate,
    Tick,
    TimeOver,
)
from flotilla.fleet.spec import Backoff, DrainWay, Health, Platform

SECOND = 1_000_000_000
ARROWS = {row[:3] for row in TABLE}
PLAIN = Platform(("x",))


def after(*events, platform=PLAIN, now=SECOND):
    """Return a platform after events, and the last one's instructions."""
    life, orders = Life("a", platform), ()
    for event in events:
        life, orders = decide_platform(life, event, now)
    return life, orders


START = (Start("a"), Go("a"), Spawned("a", 7), Readied("a"))


def kinds(orders):
    return [type(order) for order in orders if not isinstance(order, Note)]


def test_running_is_not_ready():
    life, orders = after(*START[:2])
    assert (life.state, kinds(orders)) == (State.STARTING, [Spawn])

    assert after(*START[:3])[0].state is State.STARTING
    assert after(*START)[0].state is State.READY


def test_what_was_ready_and_died_waits_for_nothing():
    life, orders = after(*START, Exited("a", -9, 0.9))

    assert life.state is State.WAITING
    assert kinds(orders) == [Sweep]
    assert (life.pid, life.last_exit, life.reason) == (None, -9, "was ended by signal 9")


def test_what_dies_before_it_is_ready_waits_at_random():
    life, _ = after(*START[:3], Exited("a", 1, 0.5))

    assert (life.state, life.deadline_ns) == (State.BACKOFF, SECOND + SECOND // 20)
    assert decide_platform(life, Tick(), life.deadline_ns)[0].state is State.WAITING


def test_a_job_that_ends_well_is_completed_and_one_that_does_not_has_died():
    job = Platform(("x",), kind="job")

    assert after(*START[:3], Exited("a", 0), platform=job)[0].state is State.COMPLETED
    assert after(*START[:3], Exited("a", 3), platform=job)[0].state is State.WAITING
    assert after(*START[:3], Exited("a", None), platform=job)[0].state is State.WAITING


def test_a_stop_is_a_drain_then_a_signal_then_a_kill_with_an_alarm():
    platform = Platform(("x",), drain=DrainWay("USR1", timeout=5.0), shutdown_timeout=10.0)
    life, _ = after(*START, Stop("a"), platform=platform)
    assert (life.state, life.deadline_ns) == (State.DRAINING, 6 * SECOND)

    assert decide_platform(life, Drained("a"), 2 * SECOND)[0].state is State.STOPPING
    life, orders = decide_platform(life, Tick(), 6 * SECOND)
    assert (life.state, kinds(orders)) == (State.STOPPING, [Alert, Terminate])
    life, orders = decide_platform(life, Tick(), 16 * SECOND)
    assert (life.state, kinds(orders)) == (State.KILLING, [Kill, Alert])
    life, orders = decide_platform(life, Tick(), 17 * SECOND)
    assert (life.state, kinds(orders)) == (State.KILLING, [Kill])
    assert decide_platform(life, Exited("a", -9), 18 * SECOND)[0].state is State.STOPPED


def test_a_patient_stop_has_no_deadline_until_somebody_has_less_patience():
    platform = Platform(("x",), drain=DrainWay("USR1"))
    life, _ = after(*START, Stop("a", patient=True), platform=platform)
    assert (life.state, due_ns(life)) == (State.DRAINING, None)

    assert due_ns(decide_platform(life, Stop("a"), SECOND)[0]) == 31 * SECOND


def test_what_is_told_to_stop_before_it_has_a_process_is_stopped_when_it_has():
    life, orders = after(*START[:2], Stop("a"))
    assert (life.state, kinds(orders)) == (State.STOPPING, [])

    assert kinds(decide_platform(life, Spawned("a", 7), SECOND)[1]) == [Terminate]
    assert decide_platform(life, SpawnFailed("a", "no"), SECOND)[0].state is State.STOPPED


def test_a_second_process_is_refused():
    life, _ = after(*START)

    with pytest.raises(InvalidTransition):
        decide_platform(life, Spawned("a", 8), SECOND)


def test_one_that_is_not_ready_in_time_is_stopped_and_has_died():
    life, _ = after(*START[:3])
    life, _ = decide_platform(life, Tick(), 61 * SECOND)
    assert (life.state, life.then) == (State.STOPPING, "retry")

    assert decide_platform(life, Exited("a", 0, 0.5), 62 * SECOND)[0].state is State.BACKOFF


def test_probes_that_fail_degrade_it_and_too_many_stop_it():
    platform = Platform(("x",), health=Health(probe="tcp:127.0.0.1:1", misses=2))
    life, _ = after(*START, Probed("a", False, "no answer"), platform=platform)
    assert (life.state, life.reason) == (State.DEGRADED, "probe")

    assert decide_platform(life, Probed("a", True), SECOND)[0].state is State.READY
    assert decide_platform(life, Probed("a", False), SECOND)[0].state is State.STOPPING


def test_it_is_ready_again_when_nothing_is_amiss_any_more():
    life, _ = after(*START, NeedLost("a", "feed"), NeedLost("a", "risk"), NeedBack("a", "risk"))
    assert (life.state, life.reason) == (State.DEGRADED, "needs feed")

    assert decide_platform(life, NeedBack("a", "feed"), SECOND)[0].state is State.READY


def test_a_healthy_run_clears_the_budget():
    platform = Platform(("x",), max_restart_attempts=1, backoff=Backoff(healthy_after=10.0))
    life, _ = after(*START, Exited("a", 1), *START[1:], platform=platform)
    assert due_ns(life) == 11 * SECOND

    assert decide_platform(life, Exited("a", 1), 10 * SECOND)[0].state is State.FAILED
    assert decide_platform(life, Tick(), 11 * SECOND)[0].restarts == ()
    assert decide_platform(life, Exited("a", 1), 11 * SECOND)[0].state is State.WAITING


def test_what_was_found_running_goes_on_where_it_was():
    found = Adopted("a", 7, State.READY, (5,), True)
    life, _ = after(found)
    assert (life.state, life.pid, life.restarts, life.wanted) == (State.READY, 7, (5,), True)

    stopping, _ = after(Adopted("a", 7, State.STOPPING, (), False))
    assert stopping.state is State.STOPPING
    assert decide_platform(stopping, Exited("a", None), SECOND)[0].state is State.STOPPED


def test_what_is_ready_by_having_started_is_ready_when_it_is_found_starting():
    found = Adopted("a", 7, State.STARTING)

    assert after(found, platform=Platform(("x",), ready="started"))[0].state is State.READY
    assert after(found, platform=Platform(("x",), ready="notify"))[0].state is State.STARTING


def test_what_had_failed_is_still_failed_under_the_next_supervisor():
    assert after(Restored("a", State.FAILED, (1,)))[0].state is State.FAILED
    assert after(Restored("a", State.WAITING, (1,)))[0].restarts == (1,)
    assert after(Restored("a", State.READY))[0].state is State.STOPPED


def test_every_change_is_in_the_table_and_every_arrow_can_be_taken():
    chance = random.Random(1)
    taken = set()
    for _ in range(20000):
        platform = some_platform(chance)
        life, now = Life("a", platform), SECOND
        if chance.random() < 0.5:
            life, _ = decide_platform(life, Restored("a", State.WAITING, (SECOND - 1,)), now)
        for _ in range(25):
            event = some_event(chance, life)
            now = max(now, due_ns(life) or now) if isinstance(event, Tick) else now + chance.randrange(SECOND)
            before = life
            life, orders = decide_platform(life, event, now)
            if life.state is not before.state:
                taken.add((before.state, type(event).__name__.lower(), life.state))
            assert (life.pid is None) or life.state in ALIVE
            assert all(mistake(note.kind, note.data) == "" for note in orders if isinstance(note, Note))

    assert taken - ARROWS == set()
    assert ARROWS - taken == set()


def some_platform(chance):
    return Platform(
        ("x",),
        kind=chance.choice(["service", "job"]),
        ready=chance.choice(["auto", "notify", "started"]),
        health=chance.choice([None, Health(heartbeat_s=1.0, probe="tcp:127.0.0.1:1", misses=2)]),
        drain=chance.choice([None, DrainWay("USR1")]),
        max_restart_attempts=chance.choice([0, 1, 9, 9]),
        probe_after=chance.choice([None, 5.0]),
        holds_positions=chance.random() < 0.5,
        host=chance.choice([None, "far"]),
        backoff=Backoff(healthy_after=chance.choice([0.5, 300.0])),
    )


def adoptions(chance, life):
    afar = life.platform.host is not None and life.state not in ALIVE
    if life.state is State.STOPPED:
        return [Adopted("a", 7, chance.choice(sorted(ALIVE)), (), chance.random() < 0.5)]
    return [Adopted("a", 7, chance.choice([State.STARTING, State.READY]))] if afar else []


def some_event(chance, life):
    """Return an event that may come: a process that is not there does not speak, or end."""
    name = "a"
    born = Spawned(name, 7) if life.state in ALIVE and life.pid is None else Tick()
    return chance.choice(
        [
            *adoptions(chance, life),
            *([Restored(name, chance.choice(sorted(State)))] if life.state is State.STOPPED else []),
            *([SpawnFailed(name, "no", chance.random())] if life.pid is None else []),
            *([Exited(name, chance.choice([0, 0, 1, -9, None]), chance.random())] * 2 if life.pid else []),
            *[Start(name), Go(name), Go(name), born, born, Readied(name), Readied(name)],
            Beat(name),
            *([Hung(name, 1.0)] if chance.random() < 0.3 else []),
            Probed(name, chance.random() < 0.3, "no"),
            NeedLost(name, "feed"),
            NeedBack(name, "feed"),
            HostLost("far", chance.random() < 0.5),
            Over(name, "drain", "memory"),
            HostFound("far"),
            Over(name, chance.choice(["ok", "warn", "shed", "drain", "stop"]), "memory"),
            Stop(name, chance.choice(["stop", "again", "retry"]), "", chance.random() < 0.2),
            Drained(name),
            TimeOver(name),
            Tick(),
        ]
    )
