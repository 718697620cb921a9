"""The tutorial, typed from the first box to the last, in a new folder, by real processes."""

import pytest
from tests.docs.exceptions import NOT_RUN
from tests.docs.reader import REPOSITORY, blocks_of, follow

pytestmark = pytest.mark.slow
PAGE = REPOSITORY / "docs" / "tutorial.md"


def test_whoever_types_the_tutorial_sees_what_it_says(tmp_path):
    follow(PAGE, tmp_path, frozenset(NOT_RUN))

    assert (tmp_path / "report" / "report.html").stat().st_size > 10_000
    assert (tmp_path / "equity.html").exists()


def test_the_tutorial_shows_all_four_ways_to_write_a_strategy():
    files = "\n".join(block.text for block in blocks_of(PAGE) if block.file)

    assert all(form in files for form in ("-> Node", "(Window)", "(OnBar)", "(Fold)"))
