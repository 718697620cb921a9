"""How fast a run's bars go through, from its log of answers."""

from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest

from flotilla.live.messages import KEPT
from flotilla.live.roles import ACKS_LOG, PORTFOLIO
from flotilla.model.wire import Acked
from flotilla.session.pace import answers, latency_of, pace_of
from flotilla.stream.log import LogReader, LogWriter

SECOND = 1_000_000_000


@pytest.fixture
def run(tmp_path):
    """Return a run with four answers, an hour of pause in the middle."""
    acks = [(0, 0), (1 * SECOND, 10), (3601 * SECOND, 20), (3602 * SECOND, 50)]
    path = tmp_path / f"{ACKS_LOG.log}.db"
    with closing(LogWriter(path, [stream.name for stream in PORTFOLIO.writes], durability="normal")) as log:
        log.append(ACKS_LOG.name, [(ts, KEPT.encode(Acked("small", bar, 1))) for ts, bar in acks])
    return SimpleNamespace(
        log=lambda name: tmp_path / f"{name}.db",
        reader=lambda stream: LogReader(tmp_path / f"{stream.log}.db", stream.name),
        manifest=SimpleNamespace(speed=10.0),
    )


def test_a_pause_before_it_went_on_is_not_counted(run):
    assert answers(run) == 4
    assert pace_of(run, 2) == 30.0
    assert pace_of(run) == 50 / 3602
    assert np.isnan(pace_of(run, 3))
    assert np.isnan(pace_of(run, 4))


def test_latency_is_that_of_all_portfolios(run):
    results = [SimpleNamespace(ack_ns=np.full(n, ms * 1e6)) for n, ms in ((99, 2.0), (1, 50.0))]

    assert latency_of(run, results).p50 == 2.0
    assert 2.0 < latency_of(run, results).p99 < 50.0


def test_flat_out_there_is_none(run):
    run.manifest.speed = None

    assert all(np.isnan(latency_of(run, [SimpleNamespace(ack_ns=np.ones(3))])))
