"""The life of an order, as a table.

INITIALISED is decided and written in the journal, and not sent. DENIED was stopped by our
own limits; REJECTED by the broker. SUBMITTED is sent and not answered. UNKNOWN is the third
outcome of a request: it was sent, and the answer was lost. Only asking the broker resolves
it: either he tells what became of the order, or he never saw it ("absent"), and then it may
be sent again, under the same id.

A broker need not say all he does: an order may be filled before it is accepted, and one that was accepted may
be refused later (a stop that is triggered without the margin for it, an order of last night at the open). He
may say a thing twice: `after` takes that as said once. A request to cancel changes nothing; what the broker
then reports does.
"""

from __future__ import annotations

from enum import StrEnum

from flotilla.errors import GatewayError, InvalidTransition
from flotilla.model.records import OrderReport


class OrderState(StrEnum):
    """Where an order is in its life."""

    INITIALISED = "initialised"
    DENIED = "denied"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


S = OrderState
TRANSITIONS = {
    (S.INITIALISED, "denied"): S.DENIED,
    (S.INITIALISED, "submitted"): S.SUBMITTED,
    (S.SUBMITTED, "accepted"): S.ACCEPTED,
    (S.SUBMITTED, "rejected"): S.REJECTED,
    (S.SUBMITTED, "partially_filled"): S.PARTIALLY_FILLED,
    (S.SUBMITTED, "filled"): S.FILLED,
    (S.SUBMITTED, "cancelled"): S.CANCELLED,
    (S.SUBMITTED, "expired"): S.EXPIRED,
    (S.SUBMITTED, "lost"): S.UNKNOWN,
    (S.ACCEPTED, "partially_filled"): S.PARTIALLY_FILLED,
    (S.ACCEPTED, "filled"): S.FILLED,
    (S.ACCEPTED, "cancelled"): S.CANCELLED,
    (S.ACCEPTED, "expired"): S.EXPIRED,
    (S.ACCEPTED, "rejected"): S.REJECTED,
    (S.ACCEPTED, "lost"): S.UNKNOWN,
    (S.PARTIALLY_FILLED, "partially_filled"): S.PARTIALLY_FILLED,
    (S.PARTIALLY_FILLED, "filled"): S.FILLED,
    (S.PARTIALLY_FILLED, "cancelled"): S.CANCELLED,
    (S.PARTIALLY_FILLED, "expired"): S.EXPIRED,
    (S.PARTIALLY_FILLED, "rejected"): S.REJECTED,
    (S.PARTIALLY_FILLED, "lost"): S.UNKNOWN,
    (S.UNKNOWN, "absent"): S.INITIALISED,
    (S.UNKNOWN, "accepted"): S.ACCEPTED,
    (S.UNKNOWN, "rejected"): S.REJECTED,
    (S.UNKNOWN, "partially_filled"): S.PARTIALLY_FILLED,
    (S.UNKNOWN, "filled"): S.FILLED,
    (S.UNKNOWN, "cancelled"): S.CANCELLED,
    (S.UNKNOWN, "expired"): S.EXPIRED,
}
FINAL = frozenset(OrderState) - {state for state, _ in TRANSITIONS}


def next_state(state: OrderState, event: str) -> OrderState:
    """Return the state after `event`; InvalidTransition where it cannot happen."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise InvalidTransition(state.value, event) from None


def after(state: OrderState, report: OrderReport) -> OrderState:
    """Return the state of an order after what its broker reports, as often as he does.

    GatewayError where that cannot be: then what is believed of the order is wrong, or what the broker says.
    """
    if report.event == state.value and report.fill is None:
        return state
    try:
        return next_state(state, report.event)
    except InvalidTransition as error:
        raise GatewayError(f"order {report.order_id}: its broker reports that {error}") from error
