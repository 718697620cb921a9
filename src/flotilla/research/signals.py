"""What strategies said: an expression from its recipe, a Python stage from the store if it is there.

An expression costs less to compute than to read, so only its recipe is kept. A Window or a Fold is somebody's
Python, a model perhaps: its rows are stored under the identity of its code, its parameters and its inputs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from flotilla.config import RunConfig, StrategyConfig
from flotilla.errors import ConfigError, FlotillaError, StageError, StreamError, line_of
from flotilla.model.arrays import Floats
from flotilla.model.panel import Panel
from flotilla.plugins import called, find, handed
from flotilla.research.identity import stage_identity
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import Node, field, walk
from flotilla.stage.lanes import as_tree
from flotilla.stage.plan import placed
from flotilla.stage.signal import check_signals, user_stage
from flotilla.stage.window import outputs
from flotilla.stream.table import Store

LOG = logging.getLogger(__name__)
Target = Callable[..., Any]


def targets_of(config: RunConfig, folder: Path | None) -> dict[str, Target]:
    """Return each strategy's callable."""
    return {name: find("strategy", s.kind, folder) for name, s in config.strategies.items()}


def trees_of(config: RunConfig, targets: Mapping[str, Target]) -> dict[str, Node]:
    """Return each strategy's tree, for a configuration without a sweep. targets: their callables."""
    trees = {}
    for name, target in targets.items():
        with naming(name, config.strategies[name], target):
            trees[name] = as_tree(target(**handed(config.strategies[name].params)), name)
    return trees


@contextmanager
def naming(name: str, strategy: StrategyConfig, target: Target) -> Iterator[None]:
    """Say of what goes wrong in a strategy's own code which strategy it is, and where in its file."""
    try:
        yield
    except ConfigError as error:
        where = f"$.strategies.{name}: {called(strategy.kind)}{line_of(error, target.__module__)}"
        raise ConfigError(f"{where}: {error}") from error
    except FlotillaError:
        raise
    except Exception as error:
        where = f"{called(strategy.kind)}{line_of(error, target.__module__)}"
        raise StageError(name, f"{where}: {type(error).__name__}: {error}") from error


class Stages:
    """The Python stages among a run's features: opened once, computed once, kept in the store."""

    def __init__(
        self, panel: Panel, fields: Mapping[str, Floats], store: Store | None, folder: Path | None = None
    ) -> None:
        self.panel, self.fields, self.store, self._folder = panel, dict(fields), store, folder
        self._identities: dict[Node, str | None] = {}
        self._fields: dict[Node, list[Node]] = {}

    def replace(self, nodes: Sequence[Node]) -> list[Node]:
        """Return the nodes with each Python stage at or below them replaced by a field of its rows.

        Instruments that they name are placed at their columns.
        """
        found = placed(nodes, self.panel.instruments)
        stages = [node for node in walk(found) if node.op == "stage"]
        if self.store:  # all are named before one is opened, which may leave something behind
            for node in stages:
                if node not in self._identities:
                    self._identities[node] = stage_identity(node, self.panel, self._folder)
        return [self._replaced(node) for node in found] if stages else found

    def check(self, root: Node) -> None:
        """Raise StageError if a Python stage that is a whole strategy gives what cannot be a signal."""
        if user_stage(root) is not None:
            rows = self.fields[self.replace([root])[0].params[0]]
            check_signals(root, rows, self.panel.ts_event, self.panel.instruments)

    def _replaced(self, node: Node) -> Node:
        if not any(below.op == "stage" for below in walk([node])):
            return node
        if node.op == "output":
            (stage,), (k,) = node.inputs, node.params
            return self._outputs(stage)[k]
        if node.op == "stage":
            return self._outputs(node)[0]
        return Node(node.op, node.params, tuple(self._replaced(i) for i in node.inputs))

    def _outputs(self, node: Node) -> list[Node]:
        """Return fields of the rows of each output of a stage; they are computed at the first call."""
        if node not in self._fields:
            whole = Node(node.op, node.params, tuple(self._replaced(i) for i in node.inputs))
            names = [f"stage {len(self._fields)} {name}" for name in node.params[0].outputs]
            rows = self._stored(self._identities.get(node), whole)
            self.fields |= dict(zip(names, rows, strict=True))
            self._fields[node] = [field(name) for name in names]
        return self._fields[node]

    def _stored(self, identity: str | None, node: Node) -> list[Floats]:
        """Return a stage's rows, of each of its outputs.

        identity: under which they are kept; None keeps nothing.
        """
        if self.store is None:
            return self._computed(node)
        if identity is None:
            LOG.warning("%s holds what has no name, so its rows are computed anew each time", node.params[0])
            return self._computed(node)
        found = self.store.take(identity)
        if found is not None:
            whole = np.column_stack([found[name].to_numpy() for name in found.column_names])
            parts = np.split(whole, len(node.params[0].outputs), axis=1)
            return [np.ascontiguousarray(part) for part in parts]
        rows = self._computed(node)
        named = zip(_suffixes(node), rows, strict=True)
        numbered = [*enumerate(self.panel.instruments)]
        columns = {f"{name}{more}": x[:, i].copy() for more, x in named for i, name in numbered}
        recipe = {"kind": "signals", "stage": repr(node), "panel": self.panel.identity}
        try:
            self.store.put(identity, pa.table(columns), recipe)
        except StreamError as error:  # what was computed is of use all the same
            LOG.warning("the rows of %s are not kept: %s", node.params[0], error)
        return rows

    def _computed(self, node: Node) -> list[Floats]:
        stage = node.params[0]
        stage.open()
        try:
            roots = outputs(node)
            runner = ChunkRunner(roots, len(self.panel.instruments), self.panel.ticks_per_unit)
            rows = runner.advance(self.fields, self.panel.ts_event)
            return [np.ascontiguousarray(rows[:, :, k]) for k in range(len(roots))]
        finally:
            stage.close()


def _suffixes(node: Node) -> list[str]:
    """Return what the columns of a stage's outputs are called after the instrument; of one alone nothing."""
    names = node.params[0].outputs
    return [""] if len(names) == 1 else [f" {name}" for name in names]


def signals_of(trees: Mapping[str, Node], stages: Stages) -> dict[str, Floats]:
    """Return what each strategy said on each of the panel's rows: float64[T, I]."""
    roots = stages.replace(list(trees.values()))
    for tree in trees.values():
        stages.check(tree)
    runner = ChunkRunner(roots, len(stages.panel.instruments), stages.panel.ticks_per_unit)
    said = runner.advance(stages.fields)
    return {name: np.ascontiguousarray(said[:, :, k]) for k, name in enumerate(trees)}
