from flotilla.builtin.gateways.paper import Paper
from flotilla.portfolio.venue import Venue


class Broker(Paper):
    trade = None


def test_who_can_be_told_bars_is_a_venue_and_a_broker_is_not():
    assert isinstance(Paper({}, (), None), Venue)
    assert not isinstance(Broker({}, (), None), Venue)
