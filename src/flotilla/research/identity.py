"""The names of results. Equal names are equal bits, so nothing is computed twice, and nothing stale is found.

A result is named by its code (ours, and the strategies'), its parameters and its inputs: the bars, and the
tables of risk decisions that its portfolios heed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from flotilla.config import RunConfig, as_dict
from flotilla.kernel.compile import KERNEL_IDENTITY
from flotilla.model.panel import Panel
from flotilla.plugins import code_identity
from flotilla.stage.expression import Node
from flotilla.stream.table import identity_of

PACKAGE = Path(__file__).parents[1]


@cache
def our_code() -> str:
    """Return the hash of all of our code that a result depends on, as hex."""
    digest = blake2b(KERNEL_IDENTITY.encode(), digest_size=8)
    for room in ("stage", "stream", "research"):
        for path in sorted((PACKAGE / room).glob("*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def identity_of_run(
    config: RunConfig, panel: Panel, targets: Iterable[Callable[..., Any]], folder: Path | None
) -> str:
    """Return the name of a run's or a sweep's result. targets: the strategies' callables.

    The name of the run itself is not in it, unless risk decisions are addressed to it.
    """
    code = [our_code(), *(code_identity(target) for target in targets)]
    params = {k: v for k, v in as_dict(config).items() if k not in ("name", "rank_by", "data")}
    inputs = [panel.identity, *_heeded(config, folder)]
    return identity_of("sweep" if config.sweep else "run", " ".join(code), params, inputs)


def _heeded(config: RunConfig, folder: Path | None) -> list[str]:
    """Return who heeds risk decisions and what is in their files; nothing if there are none."""
    paths = [config.portfolio.decisions, *config.axes().get("portfolio.decisions", ())]
    files = [(folder or Path()) / str(path) for path in paths if path is not None]
    texts = [file.read_bytes() for file in files if file.is_file()]  # one that is not there is told of later
    return [config.name, *(blake2b(text, digest_size=16).hexdigest() for text in texts)] if texts else []


def stage_identity(node: Node, panel: Panel) -> str:
    """Return the name of a Window's or Fold's rows: its code, its parameters, what it reads."""
    stage = node.params[0]
    params = {name: value for name, value in sorted(vars(stage).items()) if not name.startswith("_")}
    inputs = [panel.identity, *(repr(i) for i in node.inputs)]
    return identity_of(type(stage).__qualname__, f"{our_code()} {code_identity(type(stage))}", params, inputs)
