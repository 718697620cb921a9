"""What every test may count on: two kernel threads, a home of its own, and data only where it lies."""

import os
from pathlib import Path

os.environ.setdefault("NUMBA_NUM_THREADS", "2")  # before numba is first imported: it counts once

import hypothesis
import pytest

from flotilla.clock import monotonic_ns

_BEGAN = pytest.StashKey[int]()
REPOSITORY = Path(__file__).resolve().parents[1]

# A shared machine stalls at times, and that is no fault of the code: no deadline. Where CI runs, the examples
# are the same each time, so that a red run can be repeated.
hypothesis.settings.register_profile("flotilla", deadline=None)
hypothesis.settings.register_profile("flotilla-ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("flotilla-ci" if os.environ.get("CI") else "flotilla")


STUDY = """
name: small
data: {source: sample, start: 2019-01-01, end: 2021-12-31, instruments: [AAPL, JNJ, KO]}
strategies:
  cross: {kind: ma_cross, params: {fast: 5, slow: 20}}
portfolio: {fee_bps: 5}
"""
SEVERAL = """
portfolios:
  careful: {cap: 0.2, decisions: null}
  bold: {strategies: [cross], fee_bps: 1}
"""
SWEEP = """
sweep:
  cross.fast: [3, 5]
  cross.slow: [20, 30, 40]
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that this test's runs are kept in, so that none finds another's."""
    monkeypatch.setenv("FLOTILLA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of data beside the checkout; without it, skip and say so."""
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("../shared is not here: this test reads its data")
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the seconds after which `make check` leaves the rest to `make test`."""
    parser.addoption("--budget", type=float, default=0.0, help="seconds after which no test begins")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Note when it began."""
    session.config.stash[_BEGAN] = monotonic_ns()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what there is no time for, and say so."""
    budget = float(item.config.getoption("--budget"))
    if (
        budget
        and "tests/house/" not in item.nodeid
        and monotonic_ns() - item.config.stash[_BEGAN] > budget * 1e9
    ):
        pytest.skip(f"the {budget:g} seconds of make check are over: make test runs this one")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for `shared`, so that `-m shared` picks it."""
    for item in items:
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.shared)


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """Return the file of one small portfolio."""
    path = tmp_path / "one.yaml"
    path.write_text(STUDY)
    return path


@pytest.fixture
def six(tmp_path: Path) -> Path:
    """Return the file of a sweep of six small portfolios."""
    path = tmp_path / "six.yaml"
    path.write_text(STUDY + SWEEP)
    return path


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return the file of two small portfolios, on different terms and with different strategies."""
    path = tmp_path / "book.yaml"
    strategies = "  hold: {kind: buy_and_hold, weight: 0.5}\nportfolio:"
    path.write_text(STUDY.replace("portfolio:", strategies) + SEVERAL)
    return path
