"""The names of results. Equal names are equal bits, so nothing is computed twice, and nothing stale is found.

1. A strategy is the tree that its code built: whatever that read and asked is in the tree. Only the rows of a
   Window or a Fold are made by code that runs later; they are named by its fingerprint (`fingerprint.py`).
2. Of our own code that counts which the bits come from, and not what shows them: a word in a report throws no
   model's predictions away.
3. A run is named by these, its configuration, the bars, and the risk decisions that its portfolios heed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from types import CodeType
from typing import Any
from uuid import uuid4

import numba
import numpy as np

from flotilla.closure import code_digest
from flotilla.config import RunConfig, as_dict
from flotilla.model.panel import Panel
from flotilla.research.fingerprint import Fingerprint, Unnameable
from flotilla.stage.expression import Node
from flotilla.stage.lanes import Choice, Swept
from flotilla.stream.table import identity_of

PACKAGE = Path(__file__).parents[1]
_RESULTS = tuple(f"flotilla.research.{name}" for name in ("run", "sweep"))
_ROWS = tuple(f"flotilla.stage.{path.stem}" for path in sorted((PACKAGE / "stage").glob("[a-z]*.py")))
_SHOWS = tuple(
    f"flotilla.{name}"
    for name in (
        "cli",
        "errors",
        "portfolio.memory",
        "words",
        *(
            f"research.{n}"
            for n in (
                "listed",
                "look",
                "plot",
                "presentation",
                "report",
                "silence",
                "stats",
                "trips",
                "why",
                "wording",
            )
        ),
    )
)


@cache
def our_code(*roots: str) -> str:
    """Return the hash of our modules `roots` and of what they import (`code_of`), as hex.

    They count by what they do, without comments and docstrings. What our code is run by counts too: NumPy,
    numba and Python. No root: all that a result depends on.
    """
    digest = blake2b(repr((np.__version__, numba.__version__, sys.version_info[:2])).encode(), digest_size=8)
    for name, code in code_of(*roots).items():
        digest.update(f"{name} {code_digest(code)} ".encode())
    return digest.hexdigest()


def code_of(*roots: str) -> dict[str, CodeType]:
    """Return the code of our modules and of all that they import of ours, without what shows results."""
    waiting, found = list(roots or (*_RESULTS, *_ROWS)), dict[str, CodeType]()
    while waiting:
        name = waiting.pop()
        spec = None if name in found or name.startswith(_SHOWS) else find_spec(name)
        if spec is not None and spec.origin is not None:
            found[name] = spec.loader.get_code(name)  # type: ignore[union-attr]  # it is a file's
            waiting += _imported(found[name])
    return dict(sorted(found.items()))


def _imported(code: CodeType) -> list[str]:
    """Return our modules that a module imports: we do so at the top of it, and by whole names."""
    packages = [name for name in code.co_names if name.partition(".")[0] == "flotilla"]
    within = [f"{package}.{name}" for package in packages for name in code.co_names]
    return [*packages, *(name for name in within if name in sys.modules)]


def identity_of_run(config: RunConfig, panel: Panel, trees: Iterable[Swept], folder: Path | None) -> str:
    """Return the name of a run's or a sweep's result. trees: what the strategies' code built.

    The name of the run itself is not in it, unless risk decisions are addressed to it.
    """
    params = {k: v for k, v in as_dict(config).items() if k not in ("name", "rank_by", "data", "portfolios")}
    inputs = [panel.identity, *(_tree(tree, folder) for tree in trees), *_heeded(config, folder)]
    return identity_of("sweep" if config.sweep else "run", our_code(), params, inputs)


def stage_identity(node: Node, panel: Panel, folder: Path | None) -> str | None:
    """Return the name of a Window's or Fold's rows; None if it holds what has none, and is not to be kept.

    It is that of the stage as it was made: take it before the stage is opened.
    """
    stage = node.params[0]
    try:
        made = _print([node], folder)
    except Unnameable:
        return None
    return identity_of(type(stage).__qualname__, our_code(*_ROWS), {}, [panel.identity, made])


def _tree(tree: Swept, folder: Path | None) -> str:
    """Return the name of a strategy's tree, or of its forms; another one each time where it has none."""
    try:
        return _print([tree.forms, tree.which] if isinstance(tree, Choice) else [tree], folder)
    except Unnameable:
        return uuid4().hex


def _print(values: Sequence[Any], folder: Path | None) -> str:
    fingerprint = Fingerprint([] if folder is None else [folder])
    for value in values:
        fingerprint.take(value)
    return fingerprint.hex


def _heeded(config: RunConfig, folder: Path | None) -> list[str]:
    """Return who heeds risk decisions and what is in their files; nothing if there are none."""
    paths = [config.portfolio.decisions, *config.axes().get("portfolio.decisions", ())]
    files = [(folder or Path()) / str(path) for path in paths if path is not None]
    texts = [file.read_bytes() for file in files if file.is_file()]  # one that is not there is told of later
    return [config.name, *(blake2b(text, digest_size=16).hexdigest() for text in texts)] if texts else []
