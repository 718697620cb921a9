"""What strategies said: an expression from its recipe, a Python stage from the store if it is there.

An expression costs less to compute than to read, so only its recipe is kept. A Window or a Fold is somebody's
Python, a model perhaps: its rows are stored under the identity of its code, its parameters and its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from flotilla.config import RunConfig, StrategyConfig
from flotilla.errors import ConfigError, FlotillaError, StageError, line_of
from flotilla.model.panel import Panel
from flotilla.plugins import find
from flotilla.research.identity import stage_identity
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import Node, field, walk
from flotilla.stage.lanes import as_tree
from flotilla.stage.opinion import check_opinions
from flotilla.stage.plan import placed
from flotilla.stream.table import Store

Floats = NDArray[np.float64]
Target = Callable[..., Any]


def targets_of(config: RunConfig, folder: Path | None) -> dict[str, Target]:
    """Return each strategy's callable."""
    return {name: find("strategy", s.kind, folder) for name, s in config.strategies.items()}


def trees_of(config: RunConfig, folder: Path | None) -> dict[str, Node]:
    """Return each strategy's tree, for a configuration without a sweep."""
    trees = {}
    for name, target in targets_of(config, folder).items():
        with naming(name, config.strategies[name], target):
            trees[name] = as_tree(target(**config.strategies[name].params), name)
    return trees


@contextmanager
def naming(name: str, strategy: StrategyConfig, target: Target) -> Iterator[None]:
    """Say of what goes wrong in a strategy's own code which strategy it is, and where in its file."""
    try:
        yield
    except ConfigError as error:
        where = f"$.strategies.{name}: {strategy.kind}{line_of(error, target.__module__)}"
        raise ConfigError(f"{where}: {error}") from error
    except FlotillaError:
        raise
    except Exception as error:
        where = f"{strategy.kind}{line_of(error, target.__module__)}"
        raise StageError(name, f"{where}: {type(error).__name__}: {error}") from error


class Stages:
    """The Python stages among a run's features: opened once, computed once, kept in the store."""

    def __init__(self, panel: Panel, fields: Mapping[str, Floats], store: Store | None) -> None:
        self.panel, self.fields, self.store = panel, dict(fields), store

    def replace(self, nodes: Sequence[Node]) -> list[Node]:
        """Return the nodes with each Python stage at or below them replaced by a field of its rows.

        Instruments that they name are placed at their columns.
        """
        return [self._replaced(node) for node in placed(nodes, self.panel.instruments)]

    def check(self, root: Node) -> None:
        """Raise StageError if a Python stage that is a whole strategy says what is no opinion."""
        if root.op == "stage":
            rows = self.fields[self.replace([root])[0].params[0]]
            check_opinions(root, rows, self.panel.ts_event, self.panel.instruments)

    def _replaced(self, node: Node) -> Node:
        if not any(below.op == "stage" for below in walk([node])):
            return node
        whole = Node(node.op, node.params, tuple(self._replaced(i) for i in node.inputs))
        return self._rows(whole) if node.op == "stage" else whole

    def _rows(self, node: Node) -> Node:
        identity = stage_identity(node, self.panel)
        name = f"stage {identity}"
        if name not in self.fields:
            self.fields[name] = self._stored(identity, node)
        return field(name)

    def _stored(self, identity: str, node: Node) -> Floats:
        found = self.store.get(identity) if self.store else None
        if found is not None:
            return np.column_stack([found[name].to_numpy() for name in found.column_names])
        rows = self._computed(node)
        if self.store:
            columns = {n: rows[:, i].copy() for i, n in enumerate(self.panel.instruments)}
            recipe = {"kind": "signals", "stage": repr(node), "panel": self.panel.identity}
            self.store.put(identity, pa.table(columns), recipe)
        return rows

    def _computed(self, node: Node) -> Floats:
        stage = node.params[0]
        stage.open()
        try:
            runner = ChunkRunner([node], len(self.panel.instruments), self.panel.ticks_per_unit)
            return runner.advance(self.fields, self.panel.ts_event)[:, :, 0]
        finally:
            stage.close()
