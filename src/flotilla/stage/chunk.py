"""Drive expressions and stages through a chunk of rows: years of them, or one.

1. Order the nodes, and gather operators with a memory that read the same inputs into banks (`stage.plan`).
2. `advance` hands each the chunk's rows, in that order, and keeps their states for the next chunk.

The outputs for any split of the rows are the same bits, because nothing but the states and the rows goes in.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from flotilla.errors import ConfigError, StageError
from flotilla.kernel.elementwise import CODES, UNARY, apply, choose
from flotilla.kernel.portfolio import Floats
from flotilla.stage.banks import OPERATORS, Terms
from flotilla.stage.expression import Node
from flotilla.stage.fold import Fold
from flotilla.stage.plan import in_ticks, plan
from flotilla.stage.window import Window


class Bank:
    """One operator over the same inputs with many sets of parameters, and its state."""

    def __init__(self, nodes: tuple[Node, ...], instruments: int, ticks: Floats) -> None:
        self.nodes = nodes
        self.place = {node: k for k, node in enumerate(nodes)}
        self.operator = OPERATORS[nodes[0].op]
        names = self.operator.parameters
        values = {name: np.array([node.params[k] for node in nodes]) for k, name in enumerate(names)}
        exact = all(in_ticks(i) for i in nodes[0].inputs)
        self.terms = Terms(values, instruments, ticks if exact else np.zeros(instruments))
        self.state = self.operator.start(self.terms)

    def advance(self, inputs: tuple[Floats, ...]) -> Floats:
        """Return float64[n, I, W], W in the order of the nodes."""
        out = np.empty((*inputs[0].shape, len(self.nodes)))
        self.state = self.operator.advance(self.terms, self.state, inputs, out)
        return out


class ChunkRunner:
    """Runs expressions over chunks of rows. roots: what to compute; ticks_per_unit: float64[I], 0 unknown."""

    def __init__(self, roots: list[Node], instruments: int, ticks_per_unit: Floats) -> None:
        self.roots = roots
        order = plan(roots)
        self._order = order.order
        self._instruments = instruments
        self._banks = [Bank(nodes, instruments, ticks_per_unit) for nodes in order.banks]
        self._bank_of = {id(node): bank for bank in self._banks for node in bank.nodes}
        self._memory: dict[int, Any] = {}
        self._stages = [n for n in self._order if n.op == "stage"]
        for k, node in enumerate(self._stages):
            stage = node.params[0]
            if isinstance(stage, Fold):
                self._memory[k] = stage.start(instruments)
            else:
                self._memory[k] = [np.empty((0, instruments)) for _ in node.inputs]

    def advance(self, fields: Mapping[str, Floats]) -> Floats:
        """Return the roots' next rows, float64[n, I, roots]. fields: the market's, float64[n, I] each."""
        rows = len(next(iter(fields.values())))
        values: dict[int, Floats] = {}
        banked: dict[int, Floats] = {}
        stages = 0
        for node in self._order:
            inputs = tuple(values[id(i)] for i in node.inputs)
            bank = self._bank_of.get(id(node))
            if bank is not None:
                if id(bank) not in banked:
                    banked[id(bank)] = bank.advance(inputs)
                values[id(node)] = banked[id(bank)][:, :, bank.place[node]]
            elif node.op == "stage":
                values[id(node)] = self._run_stage(stages, node, inputs)
                stages += 1
            else:
                values[id(node)] = self._compute(node, inputs, fields, rows)
        only = self._bank_of.get(id(self.roots[0]))
        if only is not None and only.nodes == tuple(self.roots):
            return banked[id(only)]
        return np.stack([values[id(root)] for root in self.roots], axis=-1)

    def _compute(
        self, node: Node, inputs: tuple[Floats, ...], fields: Mapping[str, Floats], rows: int
    ) -> Floats:
        """Return the rows of a node without a memory."""
        if node.op == "field":
            if node.params[0] not in fields:
                raise ConfigError(f"the data has no {node.params[0]}; it has {', '.join(sorted(fields))}")
            return fields[node.params[0]]
        if node.op == "const":
            return np.full((rows, self._instruments), node.params[0])
        out = np.empty((rows, self._instruments))
        x = [np.ascontiguousarray(i) for i in inputs]
        if node.op == "where":
            choose(x[0], 0, x[1], 0, x[2], 0, out, 0, self._instruments)
        else:
            apply(CODES[node.op], x[0], 0, x[0 if node.op in UNARY else 1], 0, out, 0, self._instruments)
        return out

    def _run_stage(self, k: int, node: Node, inputs: tuple[Floats, ...]) -> Floats:
        """Return the rows of a user's Window or Fold, checked."""
        stage, rows = node.params[0], len(inputs[0])
        copies = [np.ascontiguousarray(x) for x in inputs]
        if isinstance(stage, Window):
            recent = [np.concatenate(pair) for pair in zip(self._memory[k], copies, strict=True)]
            out = np.asarray(stage.over(*recent), np.float64)[-rows:]
            keep = max(stage.lookback - 1, 0)
            self._memory[k] = [x[len(x) - min(keep, len(x)) :].copy() for x in recent]
        else:
            out = np.asarray(stage.advance(self._memory[k], *copies), np.float64)
        if out.shape != (rows, self._instruments):
            raise StageError(
                type(stage).__name__,
                f"gave {out.shape} for {rows} rows of {self._instruments} instruments; "
                f"it must give one row for each, {(rows, self._instruments)}",
            )
        return out

    def state(self) -> dict[str, Any]:
        """Return all that the next chunk depends on, besides its rows."""
        memory = deepcopy([self._memory[k] for k in self._memory])  # a Fold moves its state on in place
        return {"banks": [bank.state for bank in self._banks], "memory": memory}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state` returned."""
        for bank, kept in zip(self._banks, state["banks"], strict=True):
            bank.state = dict(kept)
        self._memory = dict(enumerate(deepcopy(state["memory"])))
