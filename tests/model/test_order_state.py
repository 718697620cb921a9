from itertools import product

import pytest

from flotilla.errors import GatewayError, InvalidTransition
from flotilla.model.order_state import FINAL, TRANSITIONS, OrderState, after, next_state
from flotilla.model.records import Fill, OrderReport

S = OrderState
EVENTS = {event for _, event in TRANSITIONS}


def life(*events):
    state = S.INITIALISED
    for event in events:
        state = next_state(state, event)
    return state


def test_an_order_is_filled_in_parts():
    assert life("submitted", "accepted", "partially_filled", "partially_filled", "filled") is S.FILLED


def test_our_own_refusal_is_not_the_brokers():
    assert life("denied") is S.DENIED
    assert life("submitted", "rejected") is S.REJECTED


def test_a_lost_answer_is_resolved_only_by_what_the_broker_says():
    assert life("submitted", "lost") is S.UNKNOWN
    assert life("submitted", "lost", "filled") is S.FILLED
    with pytest.raises(InvalidTransition, match="'submitted' cannot happen while unknown"):
        life("submitted", "lost", "submitted")


def test_an_order_that_the_broker_never_saw_may_be_sent_again():
    assert life("submitted", "lost", "absent", "submitted") is S.SUBMITTED


def test_a_broker_may_refuse_what_he_had_accepted():
    assert life("submitted", "accepted", "rejected") is S.REJECTED
    assert life("submitted", "partially_filled", "rejected") is S.REJECTED


def test_what_a_broker_says_twice_is_so_once():
    report = OrderReport("p-00000007-A-0", "accepted", 1)

    assert after(S.SUBMITTED, report) is S.ACCEPTED
    assert after(S.ACCEPTED, report) is S.ACCEPTED


def test_what_cannot_be_is_told_with_the_order_and_both_states():
    fill = Fill("p-00000007-A-0-f1", "p-00000007-A-0", "p", "A", 8, 8, 1.5, 10.0, 0.0)

    with pytest.raises(GatewayError, match=r"p-00000007-A-0: .* 'accepted' cannot happen while cancelled"):
        after(S.CANCELLED, OrderReport("p-00000007-A-0", "accepted", 1))
    with pytest.raises(GatewayError, match="'filled' cannot happen while filled"):
        after(S.FILLED, OrderReport("p-00000007-A-0", "filled", 1, fill=fill))


def test_what_is_over_is_over():
    assert {S.DENIED, S.REJECTED, S.FILLED, S.CANCELLED, S.EXPIRED} == FINAL
    for state, event in product(FINAL, EVENTS):
        with pytest.raises(InvalidTransition):
            next_state(state, event)


def test_every_state_is_reached_and_every_open_one_can_end():
    reached = {S.INITIALISED}
    while more := {after for (state, _), after in TRANSITIONS.items() if state in reached} - reached:
        reached |= more
    ends = set(FINAL)
    while more := {state for (state, _), after in TRANSITIONS.items() if after in ends} - ends:
        ends |= more

    assert reached == set(S)
    assert ends == set(S)
