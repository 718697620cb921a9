"""Write what is printed today into a page's text blocks: python -m tests.docs.retold docs/tutorial.md

A block that has "..." in it keeps what somebody has chosen to tell: for each of its lines, the nearest one
that is printed.
"""

import sys
import tempfile
from difflib import SequenceMatcher
from pathlib import Path

from tests.docs.exceptions import NOT_RUN
from tests.docs.reader import Block, follow


def retell(page: Path) -> int:
    """Rewrite a page; return how many of its blocks have changed."""
    found: list[tuple[Block, list[str]]] = []

    def note(block: Block, printed: str, _where: str) -> None:
        found.append((block, [line.rstrip() for line in printed.strip("\n").splitlines()]))

    with tempfile.TemporaryDirectory() as folder:
        follow(page, Path(folder), frozenset(NOT_RUN), note)
    lines, changed = page.read_text(encoding="utf-8").splitlines(), 0
    for block, printed in reversed(found):
        before = block.text.splitlines()
        after = chosen(before, printed) if "..." in block.text else printed
        lines[block.line : block.line + len(before)] = after
        changed += before != after
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return changed


def chosen(before: list[str], printed: list[str]) -> list[str]:
    """Return the lines that a block tells, as they are printed today."""
    after, at, gap = [], 0, True
    for line in before:
        if line == "...":
            after.append(line)
            gap = True
            continue
        head, dots, tail = line.partition("...")
        choices = range(at, len(printed) if gap else min(at + 1, len(printed)))
        heads = {n: printed[n][: len(head)] if dots else printed[n] for n in choices}
        at = max(choices, key=lambda n: SequenceMatcher(None, head, heads[n]).ratio())
        kept = tail if printed[at].endswith(tail) else ""
        after.append(printed[at][: len(head)] + dots + kept if dots else printed[at])
        at, gap = at + 1, False
    return after


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}: {retell(Path(name))} blocks changed")
