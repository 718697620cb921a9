"""The house's own files, read once for all its rules."""

import ast
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


class Source(NamedTuple):
    """One Python file of ours."""

    name: str  # from the repository's root, with slashes
    text: str
    tree: ast.Module


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def sources() -> list[Source]:
    """Return every Python file that is ours, product, tests and all."""
    return [read(path) for path in kept() if path.suffix == ".py"]


@pytest.fixture(scope="session")
def product(sources: list[Source]) -> list[Source]:
    """Return what ships."""
    return [source for source in sources if source.name.startswith("src/")]


@pytest.fixture(scope="session")
def texts() -> dict[str, str]:
    """Return all that is kept in git, by name; of what is not text, as a picture, the words in it."""
    return {path.relative_to(REPOSITORY).as_posix(): _text_in(path.read_bytes()) for path in kept()}


def _text_in(content: bytes) -> str:
    words = re.findall(rb"[ -~]{8,}", content) if b"\0" in content else [content]
    return b"\n".join(words).decode(errors="ignore")


def kept() -> list[Path]:
    """Return what git keeps, and what it would if it were asked now."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True, text=True).stdout
    return [path for name in sorted(set(listed.split("\0"))) if (path := REPOSITORY / name).is_file()]


def read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(path.relative_to(REPOSITORY).as_posix(), text, ast.parse(text))
