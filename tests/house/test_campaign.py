"""Long trials, and the page of their figures."""

from datetime import UTC, datetime

from tests import campaign

DAY = datetime(2026, 12, 1, tzinfo=UTC)


def test_the_page_has_a_row_for_each_test_and_what_they_come_to():
    found = {"b/test_b.py::test_two_of_it": [1_000.0, 0.0, 60.0], "a/test_a.py::test_one": [3.0, 1.0, 90.0]}

    told = campaign.page(found, "abc1234", DAY)

    assert "Commit abc1234, 2026-12-01: 1,003 trials in 2 minutes of tests, 1 failed." in told
    assert told.splitlines()[-2:] == [
        "| one | `a/test_a.py` | 3 | 1 | 1.5 |",
        "| two of it | `b/test_b.py` | 1,000 | 0 | 1.0 |",
    ]


def test_few_are_made_of_any_day_and_many_in_a_campaign(monkeypatch):
    monkeypatch.setattr(campaign, "CAMPAIGN", False)
    assert campaign.trials(3, 500) == 3
    monkeypatch.setattr(campaign, "CAMPAIGN", True)
    assert campaign.trials(3, 500) == 500
