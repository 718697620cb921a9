import pytest

from flotilla.clock import ReplayClock, SystemClock, monotonic_ns, now_ns, sleep


def test_the_machine_and_its_clock_agree():
    before, now, after = now_ns(), SystemClock().now(), now_ns()

    assert before <= now <= after


def test_a_replay_says_the_time_of_its_latest_event():
    clock = ReplayClock(5)

    clock.advance(7)
    clock.advance(7)

    assert clock.now() == 7


def test_a_replay_does_not_go_back():
    clock = ReplayClock(7)

    with pytest.raises(ValueError, match="stands at 7 and was asked to go back to 6"):
        clock.advance(6)


def test_sleep_takes_its_time_and_none_where_there_is_none_left():
    start = monotonic_ns()
    sleep(-1)
    sleep(0.01)

    assert monotonic_ns() - start >= 10_000_000
