"""Drive expressions and stages through a chunk of rows: years of them, or one.

1. Order the nodes so that each comes after what it reads (`walk`), and gather operators with a memory that read
   the same inputs into banks (`_banks`): all windows over one series go through it together.
2. `advance` hands each the chunk's rows, in that order, and keeps their states for the next chunk.

The outputs for any split of the rows are the same bits, because nothing but the states and the rows goes in.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from flotilla.errors import ConfigError, StageError
from flotilla.kernel.elementwise import CODES, UNARY, apply, choose
from flotilla.kernel.portfolio import Floats
from flotilla.stage.expression import Node, walk
from flotilla.stage.operators import OPERATORS, Operator, State
from flotilla.stage.fold import Fold
from flotilla.stage.window import Window


class Bank:
    """One operator over the same inputs with many sets of parameters, and its state."""

    def __init__(self, nodes: list[Node], instruments: int, ticks: Floats) -> None:
        self.nodes, self.inputs = nodes, nodes[0].inputs
        self.operator: Operator = OPERATORS[nodes[0].op]
        names = self.operator.parameters
        values = {name: np.array([node.params[k] for node in nodes]) for k, name in enumerate(names)}
        self.state: State = self.operator.start(values, instruments, ticks)

    def advance(self, inputs: tuple[Floats, ...]) -> Floats:
        """Return float64[n, I, W], W in the order of the nodes."""
        out = np.empty((*inputs[0].shape, len(self.nodes)))
        self.operator.advance(self.state, inputs, out)
        return out


class ChunkRunner:
    """Runs expressions over chunks of rows. roots: what to compute; ticks_per_unit: float64[I], 0 unknown."""

    def __init__(self, roots: list[Node], instruments: int, ticks_per_unit: Floats) -> None:
        self.roots = roots
        self._order = list(walk(roots))
        self._instruments = instruments
        self._banks = self._gather(ticks_per_unit)
        self._bank_of = {id(node): bank for bank in self._banks for node in bank.nodes}
        self._memory: dict[int, Any] = {}
        self._stages = [n for n in self._order if n.op == "stage"]
        for k, node in enumerate(self._stages):
            stage = node.params[0]
            if isinstance(stage, Fold):
                self._memory[k] = stage.start(instruments)
            else:
                self._memory[k] = [np.empty((0, instruments)) for _ in node.inputs]

    def _gather(self, ticks: Floats) -> list[Bank]:
        """Group operators that read the same into banks, sorted by parameters."""
        groups: dict[tuple[Any, ...], list[Node]] = {}
        for node in self._order:
            if node.op in OPERATORS:
                groups.setdefault((node.op, node.inputs), []).append(node)
            elif node.op not in CODES and node.op not in ("field", "const", "where", "stage"):
                raise ConfigError(f"no operator is called {node.op!r}")
        unknown = np.zeros(self._instruments)
        return [
            Bank(
                sorted(nodes, key=lambda n: n.params),
                self._instruments,
                ticks if all(i.op == "field" and i.params[0] != "volume" for i in inputs) else unknown,
            )
            for (_, inputs), nodes in groups.items()
        ]

    def advance(self, fields: Mapping[str, Floats]) -> Floats:
        """Return the roots' next rows: float64[n, I, roots]. fields: the market's next n rows, float64[n, I]."""
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
                values[id(node)] = banked[id(bank)][:, :, bank.nodes.index(node)]
            elif node.op == "stage":
                values[id(node)] = self._run_stage(stages, node, inputs)
                stages += 1
            else:
                values[id(node)] = self._compute(node, inputs, fields, rows)
        only = self._bank_of.get(id(self.roots[0]))
        if only is not None and only.nodes == self.roots:
            return banked[id(only)]
        return np.stack([values[id(root)] for root in self.roots], axis=-1)

    def _compute(self, node: Node, inputs: tuple[Floats, ...], fields: Mapping[str, Floats], rows: int) -> Floats:
        """Return the rows of a node without a memory."""
        if node.op == "field":
            if node.params[0] not in fields:
                raise ConfigError(f"the data has no {node.params[0]}; it has {', '.join(sorted(fields))}")
            return fields[node.params[0]]
        if node.op == "const":
            return np.full((rows, self._instruments), node.params[0])
        out = np.empty((rows, self._instruments))
        flat = [np.ascontiguousarray(x).reshape(-1) for x in inputs]
        if node.op == "where":
            choose(*flat, out.reshape(-1))
        else:
            apply(CODES[node.op], flat[0], flat[0 if node.op in UNARY else 1], out.reshape(-1))
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
        return {"banks": [bank.state for bank in self._banks], "memory": [self._memory[k] for k in self._memory]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state` returned."""
        for bank, kept in zip(self._banks, state["banks"], strict=True):
            bank.state = dict(kept)
        self._memory = dict(enumerate(state["memory"]))
