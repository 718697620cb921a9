"""Every other page is followed as well; and pages keep to the width of a screen, and lead somewhere."""

import re
import subprocess
import sys

import pytest
from tests.docs.exceptions import NOT_RUN
from tests.docs.reader import REPOSITORY, blocks_of, follow, pages

RUN = ("csv", "python", "sh", "yaml")
WIDTH = 120


def name_of(page):
    return page.relative_to(REPOSITORY).as_posix()


def followed():
    found = [page for page in pages() if any(block.kind in RUN for block in blocks_of(page))]
    return [page for page in found if page.name != "tutorial.md"]  # it has a test of its own


@pytest.mark.slow
@pytest.mark.parametrize("page", followed(), ids=name_of)
def test_whoever_does_what_a_page_says_sees_what_it_says(page, tmp_path):
    try:
        follow(page, tmp_path, frozenset(NOT_RUN))
    finally:
        for run in tmp_path.glob("**/.flotilla/fleet/*/state.json"):  # where the page did not come to its end
            command = [
                sys.executable,
                "-m",
                "flotilla.cli.main",
                "fleet",
                "down",
                "--yes",
                "--fleet",
                run.parent,
            ]
            subprocess.run(command, capture_output=True, check=False, timeout=60)


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_lines_of_prose_fit(page):
    lines = enumerate(page.read_text(encoding="utf-8").splitlines(), 1)
    long = [number for number, line in lines if len(line) > WIDTH and not line.startswith("|")]

    assert not long, f"lines {long} of {page.name} are longer than {WIDTH}"


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_pictures_and_files_that_a_page_links_are_there(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))

    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]

    assert not missing
