from inspect import getmembers, isfunction, signature

import pytest

from flotilla.builtin.gateways.paper import Paper
from flotilla.model.gateway import Gateway

ASKED = [name for name, _ in getmembers(Gateway, isfunction) if not name.startswith("_")]


@pytest.mark.parametrize("name", ASKED)
def test_the_paper_broker_is_asked_as_any_other(name):
    ours, wanted = signature(getattr(Paper, name)), signature(getattr(Gateway, name))

    assert list(ours.parameters) == list(wanted.parameters)


def test_a_broker_can_be_asked_for_all_that_a_desk_asks():
    assert {"submit", "cancel", "replace", "known", "reports", "open_orders", "positions", "cash"} <= {*ASKED}
