"""Who is told what: windows, buckets, quiet hours, escalation and acknowledgement, by hand and by chance."""

from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.fleet.alerts.rules import Acknowledged, AlertState, Raised, TimePassed, is_quiet, step
from flotilla.fleet.spec.preferences import Alerts, Quiet, Step

SECOND = 1_000_000_000
NOON = round(datetime.fromisoformat("2026-11-23T12:00Z").timestamp()) * SECOND
FIRST, SECOND_LIST, LAST = (
    Step(("env:A",)),
    Step(("env:B",), after_minutes=10),
    Step(("env:C",), after_minutes=5),
)
PLAIN = Alerts((FIRST,))
THREE = Alerts((FIRST, SECOND_LIST, LAST))
FAILED = Raised("engine", "failed", "critical", "died 4 times in 60 s")


def warning(about="slow", platform="engine", text="is slow"):
    return Raised(platform, about, "warning", text)


def talk(wanted, *events, state=None):
    """Return the state after (second, event) pairs, and all messages, with their seconds."""
    state, said = state or AlertState(), []
    for second, event in events:
        state, messages = step(state, event, NOON + round(second * SECOND), wanted)
        said += [(second, message) for message in messages]
    return state, said


def test_what_is_raised_is_told_at_once():
    _, ((second, message),) = talk(PLAIN, (0, FAILED))

    assert (second, message.to, message.severity) == (0, 0, "critical")
    assert message.title == "critical: engine: died 4 times in 60 s"


def test_the_same_is_told_once_in_a_window_and_its_repeats_after_it():
    events = [
        (0, FAILED),
        *[(n, FAILED) for n in range(1, 6)],
        (299, TimePassed()),
        (300, TimePassed()),
        (601, TimePassed()),
    ]

    _, said = talk(PLAIN, *events)

    assert [second for second, _ in said] == [0, 300]
    assert said[1][1].title.endswith("(5 more since 23 Nov 12:00:00 UTC)")


def test_another_platform_or_another_matter_is_not_the_same():
    _, said = talk(PLAIN, (0, warning()), (1, warning(platform="feed")), (2, warning("late")))

    assert [second for second, _ in said] == [0, 1, 2]


def test_what_becomes_worse_is_told_again():
    _, said = talk(
        PLAIN, (0, Raised("a", "memory", "warning", "90 %")), (1, Raised("a", "memory", "critical", "120 %"))
    )

    assert [message.severity for _, message in said] == ["warning", "critical"]


def test_what_is_less_than_was_asked_for_is_told_to_nobody():
    state, said = talk(PLAIN, (0, Raised("a", "b", "info", "c")))

    assert (said, state.matters) == ([], {})


def test_messages_that_come_too_fast_are_gathered_into_one():
    wanted = Alerts((FIRST,), per_minute=6, burst=2)
    storm = [(n / 100, warning(platform=f"p{n}")) for n in range(50)]

    _, said = talk(wanted, *storm, *[(n, TimePassed()) for n in range(1, 60)])

    assert [second for second, _ in said] == [0, 0.01, 10]  # a token comes every 10 s
    gathered = said[-1][1]
    assert gathered.title == "48 alerts"
    assert "p2: is slow" in gathered.body
    assert gathered.body.endswith("and 28 more")


def test_a_storm_without_end_neither_grows_nor_is_passed_over():
    wanted = Alerts((FIRST,), per_minute=1, burst=1)

    state, said = talk(
        wanted, *[(n / 1000, warning(platform=f"p{n}")) for n in range(3000)], (61, TimePassed())
    )

    assert len(said) == 2
    assert said[1][1].title == "1001 alerts"  # 1000 that were kept and one line for the rest
    assert state.held == ()
    assert len(msgspec.json.encode(state)) < 10**6


def test_quiet_hours_hold_what_can_wait_until_they_are_over():
    quiet = Quiet("11:00", "12:10", least="critical")
    wanted = Alerts((FIRST,), quiet=quiet)

    _, said = talk(wanted, (0, warning()), (60, FAILED), *[(n, TimePassed()) for n in range(61, 800, 60)])

    assert [(second, message.severity) for second, message in said] == [(60, "critical"), (601, "warning")]
    assert said[1][1].title == "23 Nov 12:00:00 UTC warning: engine: is slow"


@pytest.mark.parametrize(
    ("start", "stop", "zone", "quiet"),
    [
        ("22:00", "07:00", "UTC", False),
        ("22:00", "07:00", "Asia/Tokyo", False),  # 21:00
        ("21:00", "07:00", "Asia/Tokyo", True),
        ("22:00", "07:00", "America/New_York", False),
        ("22:00", "07:01", "America/Chicago", True),  # 06:00
        ("12:00", "12:00", "UTC", False),
    ],
)
def test_quiet_hours_are_of_their_zone_and_may_go_over_midnight(start, stop, zone, quiet):
    assert is_quiet(Quiet(start, stop, zone), NOON) == quiet


def test_what_nobody_acknowledges_goes_to_the_next_list_and_the_next():
    _, said = talk(THREE, (0, FAILED), *[(n, TimePassed()) for n in range(10, 3600, 10)])

    assert [(second, message.to) for second, message in said] == [(0, 0), (600, 1), (900, 2)]
    assert said[1][1].title == "nobody acknowledged for 10 min"
    assert "died 4 times in 60 s, since 23 Nov 12:00:00 UTC" in said[1][1].body


def test_what_is_acknowledged_goes_no_further():
    _, said = talk(
        THREE,
        (0, FAILED),
        (500, Acknowledged("engine", who="ann")),
        *[(n, TimePassed()) for n in range(510, 3600, 10)],
    )

    assert [second for second, _ in said] == [0]


def test_who_was_called_later_is_told_that_somebody_has_it():
    _, said = talk(THREE, (0, FAILED), (600, TimePassed()), (700, Acknowledged(who="ann")))

    assert [(second, message.to) for second, message in said] == [(0, 0), (600, 1), (700, 1)]
    assert said[-1][1].title == "acknowledged by ann"


def test_an_acknowledgement_is_of_what_it_names():
    state, _ = talk(
        THREE,
        (0, FAILED),
        (1, Raised("feed", "failed", "critical", "")),
        (2, Raised("engine", "hung", "critical", "")),
        (3, Acknowledged("engine", "failed")),
    )

    assert [matter.acknowledged for matter in state.matters.values()] == [True, False, False]


def test_what_was_acknowledged_and_comes_again_is_new_within_the_window_too():
    _, said = talk(
        THREE,
        (0, FAILED),
        (10, Acknowledged()),
        (40, FAILED),
        (41, FAILED),
        (340, TimePassed()),
        (640, TimePassed()),
    )

    assert [(second, message.to) for second, message in said] == [(0, 0), (40, 0), (340, 0), (640, 1)]
    assert said[2][1].title.endswith("(1 more since 23 Nov 12:00:40 UTC)")


def test_nobody_is_told_that_nobody_acknowledged_what_nobody_was_told_yet():
    quiet = Quiet("11:00", "12:30", least="critical")
    wanted = Alerts((FIRST, SECOND_LIST), quiet=quiet, escalate="warning")

    _, said = talk(wanted, (0, warning()), *[(n, TimePassed()) for n in range(60, 7200, 60)])

    assert [(second, message.to) for second, message in said] == [(1800, 0), (2400, 1)]


def test_what_was_acknowledged_while_it_was_held_is_told_to_nobody():
    wanted = Alerts((FIRST,), quiet=Quiet("11:00", "12:10", least="critical"))

    state, said = talk(
        wanted, (0, warning()), (60, Acknowledged("engine", "slow", "ann")), (700, TimePassed())
    )

    assert (said, state.held) == ([], ())


def test_what_can_wait_wakes_no_second_list_in_its_quiet_hours_either():
    quiet = Quiet("12:05", "13:00", least="critical")
    wanted = Alerts((FIRST, SECOND_LIST), quiet=quiet, escalate="warning")

    _, said = talk(wanted, (0, warning()), (1, FAILED), *[(n, TimePassed()) for n in range(60, 7200, 60)])

    assert [(second, message.to, message.severity) for second, message in said] == [
        (0, 0, "warning"),
        (1, 0, "critical"),
        (660, 1, "critical"),
        (3600, 1, "warning"),
    ]


def test_the_time_of_what_was_held_for_its_number_counts_from_when_it_was_told():
    soon = Step(("env:B",), after_minutes=0.75)
    wanted = Alerts((FIRST, soon), per_minute=1, burst=1, escalate="warning")
    late = Raised("feed", "late", "warning", "is late")

    _, said = talk(wanted, (0, warning()), (1, late), *[(n, TimePassed()) for n in range(10, 1200, 10)])

    assert [(second, message.to) for second, message in said] == [(0, 0), (60, 1), (120, 0), (180, 1)]
    assert ["is late" in message.title + message.body for _, message in said] == [False, False, True, True]


def test_a_warning_is_not_worth_waking_the_next_list():
    state, said = talk(THREE, (0, warning()), *[(n, TimePassed()) for n in range(10, 3600, 10)])

    assert len(said) == 1
    assert state.matters == {}  # done with


def test_what_goes_on_is_not_told_from_the_first_list_again():
    again = [(n, FAILED) for n in range(0, 600, 50)]

    _, said = talk(
        THREE, *again, (601, TimePassed()), (650, FAILED), *[(n, TimePassed()) for n in range(660, 1000, 10)]
    )

    assert [message.to for _, message in said].count(1) == 1
    assert [message.to for _, message in said].count(2) == 1


EVENTS = st.one_of(
    st.builds(
        Raised,
        st.sampled_from(["", "a", "b"]),
        st.sampled_from(["failed", "slow"]),
        st.sampled_from(["info", "warning", "critical"]),
        st.sampled_from(["", "text"]),
    ),
    st.builds(Acknowledged, st.sampled_from(["", "a"]), st.sampled_from(["", "failed"])),
    st.builds(TimePassed),
)
PREFERENCES = st.builds(
    Alerts,
    st.sampled_from([(FIRST,), (FIRST, SECOND_LIST), (FIRST, SECOND_LIST, LAST)]),
    window_s=st.sampled_from([0.0, 60.0, 600.0]),
    per_minute=st.sampled_from([0.5, 6.0]),
    burst=st.integers(1, 3),
    quiet=st.sampled_from([None, Quiet("12:05", "12:30", least="warning"), Quiet("11:00", "13:00")]),
)
STORY = st.lists(st.tuples(st.integers(0, 400), EVENTS), max_size=40)


@given(STORY, PREFERENCES)
def test_no_more_is_sent_than_the_bucket_holds(story, wanted):
    second, state, sent = 0, AlertState(), 0
    for wait, event in story:
        second += wait
        state, messages = step(state, event, NOON + second * SECOND, wanted)
        sent += sum(message.severity != "info" for message in messages)  # but "acknowledged"
        assert sent <= wanted.burst + second * wanted.per_minute / 60 + 1e-9


@given(STORY, PREFERENCES)
def test_every_matter_that_is_raised_is_told_in_the_end_unless_somebody_has_it_in_hand(story, wanted):
    second, state, lines, matters = 0, AlertState(), "", {}
    for wait, event in [*story, *[(600, TimePassed())] * 60]:
        second += wait
        state, messages = step(state, event, NOON + second * SECOND, wanted)
        lines += "".join(f"{message.title}\n{message.body}\n" for message in messages)
        if isinstance(event, Raised) and event.severity != "info":
            text = f"{event.platform or 'fleet'}: {event.text or event.about}"
            matters.setdefault((event.platform, event.about), []).append(text)
        if isinstance(event, Acknowledged):
            seen = [key for key in matters if event.platform in ("", key[0]) and event.about in ("", key[1])]
            for key in seen:
                del matters[key]

    # The same matter again is the same alert, whatever its text: it is told once.
    assert [texts for texts in matters.values() if not any(text in lines for text in texts)] == []


@given(STORY, PREFERENCES)
def test_a_state_that_was_written_down_goes_on_as_it_would_have(story, wanted):
    second, state, kept = 0, AlertState(), AlertState()
    for wait, event in story:
        second += wait
        now = NOON + second * SECOND
        state, messages = step(state, event, now, wanted)
        kept, again = step(
            msgspec.json.decode(msgspec.json.encode(kept), type=AlertState), event, now, wanted
        )
        assert (again, kept) == (messages, state)


@given(st.lists(st.tuples(st.integers(-4000, 4000), EVENTS), max_size=40), PREFERENCES)
def test_a_clock_that_is_set_breaks_nothing(story, wanted):
    second, state = 0, AlertState()
    for wait, event in story:
        second += wait
        state, _ = step(state, event, NOON + second * SECOND, wanted)

    assert (state.tokens is None) == (not story)
