from flotilla.fleet.rules.platform_state import Life
from flotilla.fleet.rules.states import Alert, Kill, Note, State, Terminate
from flotilla.fleet.rules.states import Drain as Ask
from flotilla.fleet.rules.transitions import clear, destroy, died, leave, left, terminate, trouble
from flotilla.fleet.spec import DrainWay, Platform

READY = Life(
    "a", Platform(("x",), drain=DrainWay("USR1", timeout=3.0)), State.READY, wanted=True, pid=7, ready_ns=1
)
SECOND = 1_000_000_000


def acts(told):
    return [type(order) for order in told[1] if not isinstance(order, Note)]


def test_one_that_can_settle_is_asked_to_first():
    told = leave(READY, "stop", "asked", 0)

    assert (told[0].state, told[0].deadline_ns, acts(told)) == (State.DRAINING, 3 * SECOND, [Ask])
    assert leave(READY, "retry", "ill", 0, drain=False)[0].state is State.STOPPING


def test_whom_there_is_no_process_of_nobody_signals():
    assert acts(terminate(READY, "why", 0)) == [Terminate]
    assert acts(terminate(Life("a", Platform(("x",)), State.STARTING), "why", 0)) == []


def test_a_kill_is_an_alarm():
    assert acts(destroy(READY, "late", 0)) == [Kill, Alert]


def test_who_has_left_comes_back_only_where_it_is_wanted():
    leaving = leave(READY, "again", "why", 0)[0]

    assert left(leaving, 0)[0].state is State.WAITING
    assert left(leave(READY, "stop", "why", 0)[0], 0)[0].state is State.STOPPED


def test_who_died_unwanted_is_stopped():
    assert died(READY, "why", 0.0, 5)[0].state is State.WAITING
    assert died(Life("a", READY.platform, State.READY, pid=7), "why", 0.0, 5)[0].state is State.STOPPED


def test_troubles_come_and_go():
    ill = trouble(READY, "probe", 0)[0]

    assert (ill.state, ill.reason) == (State.DEGRADED, "probe")
    assert clear(ill, "probe", 0)[0].state is State.READY
    assert clear(ill, "other", 0) == (ill, ())
