"""Long trials: few in CI, many in `make campaign`, which writes their figures into docs/tested.md.

A test that tries something at random many times is marked `campaign`, with how many trials it makes where it
makes them in a loop of its own. It is a plugin of pytest: `-p tests.campaign`.
"""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flotilla.clock import now_ns

CAMPAIGN = os.environ.get("FLOTILLA_CAMPAIGN") == "1"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "tested.md"
_COUNT = "trials"
_FOUND: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])  # test -> trials, failed, seconds


def trials(few: int, many: int) -> int:
    """Return how many trials to make: `few` of any day, `many` in a campaign."""
    return many if CAMPAIGN else few


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note how many trials a test makes, for whoever counts them."""
    if marker := item.get_closest_marker("campaign"):
        item.user_properties.append((_COUNT, marker.args[0] if marker.args else 1))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count the trials of a test that ended."""
    if report.when == "call" and (count := dict(report.user_properties).get(_COUNT)):
        found = _FOUND[report.nodeid.partition("[")[0].removeprefix("tests/")]
        found[0] += count
        found[1] += report.failed
        found[2] += report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the page, where this is a campaign and not one of its workers."""
    if CAMPAIGN and _FOUND and not hasattr(session.config, "workerinput"):
        today = datetime.fromtimestamp(now_ns() / 1e9, UTC)
        PAGE.write_text(page(_FOUND, commit(), today), encoding="utf-8")


def commit() -> str:
    """Return which commit is tried, with a plus where files differ from it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip()


def page(found: dict[str, list[float]], of: str, when: datetime) -> str:
    """Return the page: a row for each test, its trials, those tests that failed, and minutes."""
    total, failed, seconds = (sum(row[k] for row in found.values()) for k in range(3))
    rows = [
        f"| {words(test)} | `{test.partition('::')[0]}` | {row[0]:,.0f} | {row[1]:.0f} | {row[2] / 60:.1f} |"
        for test, row in sorted(found.items())
    ]
    head = [
        "# Tested",
        "",
        "Every change passes the tests of `make test`. What may go wrong once in thousands of times is tried",
        "by `make campaign`, which writes this page.",
        "",
        f"Commit {of}, {when:%Y-%m-%d}: {total:,.0f} trials in {seconds / 60:.0f} minutes of tests, "
        f"{failed:.0f} failed.",
        "",
        "| what is tried | test | trials | failed | minutes |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"


def words(test: str) -> str:
    """Return a test's name as a sentence."""
    return test.rpartition("::")[2].removeprefix("test_").replace("_", " ")
