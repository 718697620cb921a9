"""Where the test of a module stands; which tests a change touches (`python -m tests.house.mirror`)."""

import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = ("docs/", "README.md", "mkdocs.yml")
READ = {"tests/docs/test_pages.py", "tests/docs/test_reference.py"}  # quick; the others run what pages say


def places(name: str) -> set[str]:
    """Return where the test of the module `name` may stand."""
    module = PurePosixPath(name).relative_to("src/flotilla")
    folder = PurePosixPath("tests") / module.parent
    package = module.parent.name or "flotilla"
    word = package if module.stem == "__init__" else module.stem.strip("_")
    return {str(folder / f"test_{word}.py"), str(folder.parent / f"test_{folder.name}.py")}


def changed() -> list[str]:
    """Return the files that differ from the last commit; where none does, those of the last commit."""
    here = _git("diff", "--name-only", "HEAD") + _git("ls-files", "--others", "--exclude-standard")
    return here or _git("diff", "--name-only", "HEAD~1", "HEAD")


def touched(names: Iterable[str], there: set[str]) -> list[str]:
    """Return the tests of changed files, those of the house left out: they are run whatever changed.

    there: the files of tests that there are. A changed test is its own; a module's is the one that mirrors
    it, with those that begin with its name (test_sweep_kept.py of sweep.py).
    """
    found: set[str] = set()
    for name in names:
        if name.startswith("src/flotilla/") and name.endswith(".py"):
            for place in places(name):
                found |= {test for test in there if test == place or test.startswith(f"{place[:-3]}_")}
        elif name.startswith(PAGES):
            found |= READ & there
        elif name.startswith("tests/"):
            found |= {name} & there
    return sorted(test for test in found if not test.startswith("tests/house/"))


def _git(*asked: str) -> list[str]:
    """Return the lines that git answers; none where it cannot, as of the commit before the first."""
    told = subprocess.run(["git", *asked], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return told.stdout.splitlines() if told.returncode == 0 else []


if __name__ == "__main__":
    tests = {str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "tests").rglob("test_*.py")}
    print(*touched(changed(), tests))
