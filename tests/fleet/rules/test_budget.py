from hypothesis import given
from hypothesis import strategies as st

from flotilla.fleet.rules.budget import healthy, ns, recent, spend
from flotilla.fleet.spec import Backoff, Platform

SECOND = 1_000_000_000
PLATFORM = Platform(("x",), backoff=Backoff(first=0.1, most=1.0, healthy_after=300.0))


def test_the_first_restart_after_a_ready_run_comes_at_once():
    assert spend((), PLATFORM, was_ready=True, jitter=0.9, now_ns=5) == ((5,), 0)


def test_one_that_was_never_ready_waits_from_the_first_time():
    assert spend((), PLATFORM, was_ready=False, jitter=0.5, now_ns=5).delay_ns == ns(0.05)


def test_later_ones_wait_at_random_below_a_time_that_doubles_up_to_a_most():
    waits = [spend((1,) * count, PLATFORM, was_ready=True, jitter=0.999, now_ns=2) for count in (1, 2)]

    assert [wait.delay_ns for wait in waits] == [ns(0.999 * 0.1), ns(0.999 * 0.2)]
    many = Platform(("x",), max_restart_attempts=100, backoff=PLATFORM.backoff)
    assert spend((1,) * 99, many, was_ready=True, jitter=0.999, now_ns=2).delay_ns == ns(0.999)


def test_the_budget_is_of_a_window():
    spent = (1 * SECOND, 30 * SECOND, 50 * SECOND)

    assert spend(spent, PLATFORM, was_ready=True, jitter=0.0, now_ns=60 * SECOND) is None
    assert recent(spent, PLATFORM, 61 * SECOND) == spent[1:]
    assert spend(spent, PLATFORM, was_ready=True, jitter=0.0, now_ns=61 * SECOND).restarts == (
        30 * SECOND,
        50 * SECOND,
        61 * SECOND,
    )


def test_no_budget_is_no_restart():
    assert spend((), Platform(("x",), max_restart_attempts=0), was_ready=True, jitter=0.0, now_ns=1) is None


def test_a_run_that_was_ready_for_long_enough_is_healthy():
    assert healthy(PLATFORM, 0, 300 * SECOND)
    assert not healthy(PLATFORM, 1, 300 * SECOND)
    assert not healthy(PLATFORM, None, 300 * SECOND)


@given(
    st.integers(0, 6),
    st.lists(st.tuples(st.floats(0, 40), st.floats(0, 0.999), st.booleans()), max_size=60),
)
def test_no_window_ever_holds_more_restarts_than_the_budget(most, deaths):
    platform = Platform(("x",), max_restart_attempts=most, restart_window=60.0)
    restarts, now, made = (), 0, []

    for pause, jitter, was_ready in deaths:
        now += ns(pause) + 1
        spent = spend(restarts, platform, was_ready=was_ready, jitter=jitter, now_ns=now)
        if spent is not None:
            restarts = spent.restarts
            made.append(now)
            assert 0 <= spent.delay_ns <= ns(platform.backoff.most)

    for at in made:
        assert sum(at - 60 * SECOND < other <= at for other in made) <= most
