import pytest

from flotilla.fleet import scheduler
from flotilla.fleet.rules.platform_state import Life
from flotilla.fleet.rules.states import State
from flotilla.fleet.schedule import SessionTimes, Window
from flotilla.fleet.scheduler import Scheduler
from flotilla.fleet.spec import Platform, Schedule

SECOND = 1_000_000_000
DAY = Platform(("x",), schedule=Schedule("XNYS", "09:00", "15:35"))
TIMES = SessionTimes({"feed": (Window(100 * SECOND, 200 * SECOND),)}, 10**18)


@pytest.fixture
def clock(monkeypatch):
    at = {"wall": 0, "monotonic": 0}
    monkeypatch.setattr(scheduler, "now_ns", lambda: at["wall"])
    monkeypatch.setattr(scheduler, "monotonic_ns", lambda: at["monotonic"])

    def go(seconds):
        at.update(wall=at["wall"] + seconds * SECOND, monotonic=at["monotonic"] + seconds * SECOND)

    return go


def test_it_is_started_and_stopped_when_its_time_comes_and_not_twice(clock):
    asked = []
    look = Scheduler(lambda ask: asked.append((ask.command, ask.names)), lambda note: None)
    stopped, running = Life("feed", DAY), Life("feed", DAY, State.READY, wanted=True)

    look.look(TIMES, {"feed": stopped})
    clock(100)
    look.look(TIMES, {"feed": stopped})
    clock(50)
    look.look(TIMES, {"feed": running})
    clock(50)
    look.look(TIMES, {"feed": running})

    assert asked == [("start", ("feed",)), ("stop", ("feed",))]
    assert look.wait_s(TIMES) <= 30.0


def test_what_a_person_did_between_two_changes_stands(clock):
    asked = []
    look = Scheduler(lambda ask: asked.append(ask.command), lambda note: None)
    clock(150)
    look.look(TIMES, {"feed": Life("feed", DAY, State.READY, wanted=True)})

    clock(10)
    look.look(TIMES, {"feed": Life("feed", DAY)})

    assert asked == []


def test_what_had_failed_is_not_started_anew_by_a_new_supervisor(clock):
    asked = []
    clock(150)

    Scheduler(asked.append, lambda note: None).look(TIMES, {"feed": Life("feed", DAY, State.FAILED)})

    assert asked == []


def test_without_times_nothing_is_done(clock):
    look = Scheduler(lambda ask: pytest.fail("asked"), lambda note: None)

    look.look(None, {"feed": Life("feed", DAY)})

    assert look.wait_s(None) == 60.0


@pytest.mark.parametrize(
    ("before", "life", "asked"),
    [
        (True, Life("feed", DAY), []),  # a person stopped it within its hours
        (False, Life("feed", DAY), ["start"]),  # its hours began while nobody supervised
        (False, Life("feed", DAY, State.FAILED), ["start"]),
        (None, Life("feed", DAY), ["start"]),  # nothing is known of before
    ],
)
def test_only_a_change_of_the_hours_acts_under_a_new_supervisor(clock, before, life, asked):
    told = []
    hours = Scheduler(lambda ask: told.append(ask.command), lambda note: None)
    clock(150)
    if before is not None:
        hours.recall("feed", before)
        assert hours.wanted == {"feed": before}

    hours.look(TIMES, {"feed": life})

    assert told == asked
    assert hours.wanted == {"feed": True}


def test_whether_it_is_within_its_hours_is_known_only_with_times(clock):
    assert Scheduler.inside(None, "feed") is None
    assert Scheduler.inside(TIMES, "app") is None
    assert Scheduler.inside(TIMES, "feed") is False
    clock(150)
    assert Scheduler.inside(TIMES, "feed") is True
