from flotilla.fleet.rules.platform_state import Life, due_ns, silent_ns
from flotilla.fleet.rules.states import State
from flotilla.fleet.spec import Backoff, Health, Platform

SECOND = 1_000_000_000
BEATS = Platform(("x",), health=Health(heartbeat_s=0.2), backoff=Backoff(healthy_after=9.0))


def test_one_that_serves_is_hung_half_a_beat_before_its_last_miss():
    life = Life("a", BEATS, State.READY, beat_ns=SECOND, ready_ns=SECOND)

    assert silent_ns(life) == due_ns(life) == SECOND + SECOND // 2


def test_one_that_need_not_speak_is_never_hung():
    assert silent_ns(Life("a", BEATS, State.STARTING, beat_ns=SECOND)) is None
    assert silent_ns(Life("a", Platform(("x",)), State.READY, beat_ns=SECOND)) is None


def test_the_soonest_counts():
    life = Life("a", BEATS, State.READY, beat_ns=20 * SECOND, ready_ns=SECOND, restarts=(1,))

    assert due_ns(life) == 10 * SECOND
    assert due_ns(Life("a", BEATS, State.BACKOFF, deadline_ns=5)) == 5
    assert due_ns(Life("a", BEATS)) is None


def test_nothing_is_due_while_its_host_is_out_of_sight():
    assert due_ns(Life("a", BEATS, State.STOPPING, deadline_ns=5, lost=True)) is None
