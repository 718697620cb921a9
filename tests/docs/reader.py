"""A reader who does what a page says, in its order, in a folder of its own, and compares what comes out.

    ```python, yaml or csv; first line "# breakout.py"              the file is written, from the next line on
    ```python, yaml or csv; first line "# breakout.py, continued"   the block is added to it
    ```python                                                       cells of one notebook, run as one script
    ```sh                                                           each line is a command
    ```text                                                         what the block before it printed

In a text block a line of "..." stands for any lines, and "..." within a line for anything in it. Other
blocks are pictures of something, and are not read. `python -m tests.docs.retold PAGE` writes what is printed
today into a page's text blocks.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w./-]+\.\w+)(, continued)?\n")
CELL = "---- the next cell ----"
LONGEST_S = 300


class Block(NamedTuple):
    """One fenced block of a page."""

    line: int
    kind: str
    text: str

    @property
    def file(self) -> re.Match[str] | None:
        """Return the file that the block is, if it names one."""
        return FILE.match(self.text) if self.kind in ("csv", "python", "yaml") else None

    @property
    def commands(self) -> list[str]:
        """Return the lines of a shell block; one that ends in a backslash goes on in the next."""
        joined = self.text.replace("\\\n", "") if self.kind == "sh" else ""
        return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def blocks_of(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(text.count("\n", 0, found.start()) + 1, found[1], found[2]) for found in FENCE.finditer(text)
    ]


def pages() -> list[Path]:
    """Return every page that a user reads."""
    return [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


def compare(block: Block, printed: str, where: str) -> None:
    """Assert that the lines of a text block come in what was printed, one after the other."""
    lines, at, gap = [line.rstrip() for line in printed.splitlines()], 0, True
    for line in map(str.rstrip, block.text.splitlines()):
        if line == "...":
            gap = True
            continue
        wanted = re.compile(".*".join(map(re.escape, line.split("..."))))
        found = next((n for n in range(at, len(lines)) if wanted.fullmatch(lines[n])), None)
        if found is None or not (gap or found == at):
            raise AssertionError(f"{where}: {line!r} is not there in\n{printed}")
        at, gap = found + 1, False


def follow(
    page: Path,
    folder: Path,
    skipped: frozenset[str] = frozenset(),
    look: Callable[[Block, str, str], None] = compare,
) -> None:
    """Do what a page says; AssertionError with the line where something else comes out.

    skipped: commands that are not run. look: what is done with a text block and what was printed.
    """
    shutil.copytree(REPOSITORY / "examples", folder / "examples")
    blocks, printed, cells = blocks_of(page), "", {}
    for k, block in enumerate(blocks):
        where = f"{page.name}, line {block.line}"
        if block.file:
            _write(folder, block)
        elif block.kind == "sh":
            runs = [command for command in block.commands if command not in skipped]
            shell = ["bash", "-euo", "pipefail", "-c"]
            printed = "".join(_ran([*shell, command], folder, f"{where}: {command}") for command in runs)
        elif block.kind == "python":
            cells = cells or _notebook(blocks, folder, where)
            printed = cells[k]
        elif block.kind == "text":
            look(block, printed, where)


def _notebook(blocks: list[Block], folder: Path, where: str) -> dict[int, str]:
    """Run a page's cells, all at once, and return what each printed, by its block's number."""
    numbers = [k for k, block in enumerate(blocks) if block.kind == "python" and not block.file]
    script = f"\nprint({CELL!r})\n".join(blocks[k].text for k in numbers)
    (folder / "notebook.py").write_text(script, encoding="utf-8")
    outputs = _ran([sys.executable, "notebook.py"], folder, where).split(f"{CELL}\n")
    return dict(zip(numbers, outputs, strict=True))


def _write(folder: Path, block: Block) -> None:
    found = block.file
    assert found is not None
    path = folder / found[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8") + "\n\n" if found[2] else ""
    path.write_text(before + block.text[found.end() :], encoding="utf-8")


def _ran(command: list[str], folder: Path, where: str) -> str:
    """Return what a command printed to stdout; it must end well."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLOTILLA_")}
    environment |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("COLUMNS", None)
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    assert ran.returncode == 0, f"{where} ended with {ran.returncode}\n{ran.stdout}{ran.stderr}"
    return ran.stdout.replace("\N{NO-BREAK SPACE}", " ")  # nobody sees the difference on a page
