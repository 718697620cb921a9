"""The anchor of an audit log may move, and takes nothing with it that it should not."""

from contextlib import closing

import pytest
from tests.access.test_audit import Kept

from flotilla.access.audit import Chain, read_audit, verify
from flotilla.errors import StreamError


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path)


def test_an_anchor_moves_with_a_record_of_it_and_the_log_verifies_at_the_new_place(kept, tmp_path):
    (tmp_path / "disk").mkdir()
    moved = tmp_path / "disk" / "head"
    with kept.open() as chain:
        chain.append("cli:ann", "stop", "feed", "", "ok")
        chain.move(moved)
        chain.append("cli:ann", "start", "feed", "", "ok")

    assert verify(kept.log, kept.key, moved).ok
    assert [(r.action, r.target, r.outcome) for r in read_audit(kept.log)][1] == (
        "audit anchor",
        str(moved),
        "moved",
    )
    kept.anchor.unlink()
    with closing(Chain(kept.log, kept.key, moved)) as chain:
        assert chain.found == ""


def test_an_anchor_does_not_move_to_where_something_else_stands_or_nothing_can(kept, tmp_path):
    (tmp_path / "letter").write_text("dear aunt")
    with kept.open() as chain:
        for place, why in (("letter", "holds something else"), ("nowhere/head", "cannot be opened")):
            with pytest.raises(StreamError, match=why):
                chain.move(tmp_path / place)
        chain.append("cli:ann", "stop", "feed", "", "ok")

    assert (tmp_path / "letter").read_text() == "dear aunt"
    assert kept.verify().ok
