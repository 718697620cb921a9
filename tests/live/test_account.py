"""The portfolio and the gateway of a run are made as its file says."""

import msgspec
import pytest

from flotilla.builtin.gateways.paper import Paper
from flotilla.errors import ConfigError, UnknownName
from flotilla.live.account import gateway_of, portfolios_of, rehearse


def test_they_are_made_as_the_run_says(run):
    (portfolio,) = portfolios_of(run).values()

    assert portfolio.portfolio_id == "made"
    assert portfolio.instruments == ("M0", "M1", "M2", "M3")
    assert float(portfolio.book.cash[0]) == 1_000_000.0
    assert isinstance(gateway_of(run), Paper)


def test_a_rehearsal_leaves_nothing_behind(run):
    before = portfolios_of(run)["made"].state()["book"]["cash"].tobytes()

    rehearse(run)

    assert portfolios_of(run)["made"].state()["book"]["cash"].tobytes() == before


class Broker(Paper):
    """A broker knows the market himself."""

    trade = None


def test_a_replay_needs_a_gateway_that_is_told_bars(run, monkeypatch):
    monkeypatch.setattr("flotilla.live.account.find", lambda *_: Broker)

    with pytest.raises(ConfigError, match=r"gateway paper has no trade\(\): a replay needs one that is told"):
        gateway_of(run)


def test_a_gateway_that_nobody_has_is_named(run):
    run.manifest = msgspec.structs.replace(run.manifest, gateway="papr")

    with pytest.raises(UnknownName, match="did you mean paper"):
        gateway_of(run)
