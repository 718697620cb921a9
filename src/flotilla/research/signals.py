"""What strategies said: an expression from its recipe, a Python stage from the store if it is there.

An expression costs less to compute than to read, so only its recipe is kept. A Window or a Fold is somebody's
Python, a model perhaps: its rows are stored under the identity of its code, its parameters and its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from flotilla.config import RunConfig
from flotilla.model.panel import Panel
from flotilla.plugins import find
from flotilla.research.identity import stage_identity
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import Node, field, walk
from flotilla.stage.lanes import as_tree
from flotilla.stream.table import Store

Floats = NDArray[np.float64]
Target = Callable[..., Any]


def targets_of(config: RunConfig, folder: Path | None) -> dict[str, Target]:
    """Return each strategy's callable."""
    return {name: find("strategy", s.kind, folder) for name, s in config.strategies.items()}


def trees_of(config: RunConfig, folder: Path | None) -> dict[str, Node]:
    """Return each strategy's tree, for a configuration without a sweep."""
    return {
        name: as_tree(target(**config.strategies[name].params), name)
        for name, target in targets_of(config, folder).items()
    }


class Stages:
    """The Python stages among a run's features: opened once, computed once, kept in the store."""

    def __init__(self, panel: Panel, fields: Mapping[str, Floats], store: Store | None) -> None:
        self.panel, self.fields, self.store = panel, dict(fields), store

    def replace(self, nodes: Sequence[Node]) -> list[Node]:
        """Return the nodes with each Python stage at or below them replaced by a field of its rows."""
        return [self._replaced(node) for node in nodes]

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
            return runner.advance(self.fields)[:, :, 0]
        finally:
            stage.close()
