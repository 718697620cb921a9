"""The audit log whose file, or whole folder, is taken away while it is written."""

import pytest
from tests.access.test_audit import Kept

from flotilla.access.audit import read_audit


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path)


@pytest.mark.parametrize(
    "take",
    [lambda log: log.unlink(), lambda log: log.rename(log.with_suffix(".1"))],
    ids=["removed", "moved"],
)
def test_a_log_that_is_taken_away_is_begun_anew_and_told(kept, take):
    with kept.open() as chain:
        chain.append("cli:ann", "stop", "feed", "", "ok")
        take(kept.log)
        chain.append("cli:bob", "start", "feed", "", "ok")

    assert [(r.who, r.action) for r in read_audit(kept.log)] == [
        ("supervisor", "audit mended"),
        ("supervisor", "audit broken"),
        ("cli:bob", "start"),
    ]
    assert "the log was moved or removed" in read_audit(kept.log)[0].why
    assert "the anchor says 1" in kept.verify().what


def test_what_stands_in_place_of_a_folder_that_was_taken_away_is_anothers(tmp_path):
    folder = tmp_path / "fleet"
    folder.mkdir()
    with Kept(folder).open() as mine:
        folder.rename(tmp_path / "elsewhere")
        folder.mkdir()
        with Kept(folder).open() as other:
            mine.append("cli:ann", "stop", "feed", "", "ok")
            other.append("cli:bob", "start", "feed", "", "ok")

    assert [r.who for r in read_audit(folder / "audit.log")] == ["cli:bob"]
    assert [r.who for r in read_audit(tmp_path / "elsewhere" / "audit.log")] == ["cli:ann"]
