"""Drive expressions and stages through a chunk of rows: years of them, or one.

1. Order the nodes, and gather operators with a memory that read the same inputs into banks (`stage.plan`).
2. `advance` hands each the chunk's rows, in that order and a few at a time, and keeps their states.

The outputs for any split of the rows are the same bits, because nothing but the states and the rows goes in.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from flotilla.errors import ConfigError, StageError, line_of
from flotilla.kernel.elementwise import LOOPS, choose
from flotilla.model.arrays import Floats, Stamps
from flotilla.stage.banks import OPERATORS, Settings
from flotilla.stage.expression import Node, not_there
from flotilla.stage.fold import Fold, RowFailed
from flotilla.stage.lend import given, lent
from flotilla.stage.plan import in_ticks, plan
from flotilla.stage.signal import outputs_of
from flotilla.stage.window import Window

PASS_VALUES, PASS_ROWS = 20_480, 512  # of one node in one pass, and at least so many rows


class Bank:
    """One operator over the same inputs with many sets of parameters, and its state."""

    def __init__(self, nodes: tuple[Node, ...], instruments: int, ticks: Floats) -> None:
        self.nodes = nodes
        self.place = {node: k for k, node in enumerate(nodes)}
        self.operator = OPERATORS[nodes[0].op]
        names = self.operator.parameters
        values = {name: np.array([node.params[k] for node in nodes]) for k, name in enumerate(names)}
        exact = all(in_ticks(i) for i in nodes[0].inputs)
        self.settings = Settings(values, instruments, ticks if exact else np.zeros(instruments))
        self.state = self.operator.start(self.settings)
        self.is_root, self.home = False, 0  # does it write among the roots, and from which column on

    def bind(self, roots: Mapping[Node, int]) -> None:
        """Write straight among the roots, if the nodes stand there side by side. roots: their columns."""
        home = roots.get(self.nodes[0], -1)
        if home >= 0 and all(roots.get(node) == home + k for k, node in enumerate(self.nodes)):
            self.is_root, self.home = True, home

    def advance(self, inputs: tuple[Floats, ...], out: Floats) -> None:
        """Write a column for each node, in their order. out: float64[n, I, *]."""
        self.state = self.operator.advance(self.settings, self.state, inputs, out, self.home)


class ChunkRunner:
    """Runs expressions over chunks of rows. roots: what to compute; ticks_per_unit: float64[I], 0 unknown."""

    def __init__(self, roots: list[Node], instruments: int, ticks_per_unit: Floats) -> None:
        self.roots = roots
        self._ts: Stamps | None = None
        order = plan(roots)
        self._steps = [step.nodes for step in order.steps]
        self._reads = sorted({node.params[0] for node in order.order if node.op == "field"})
        self._instruments = instruments
        self._banks = [Bank(nodes, instruments, lent(ticks_per_unit)) for nodes in order.banks]
        self._bank_of = {node: bank for bank in self._banks for node in bank.nodes}
        columns = {root: k for k, root in enumerate(roots)}
        for bank in self._banks:
            bank.bind(columns)
        self._strays: dict[
            Node, list[int]
        ] = {}  # roots that no bank writes in place; under the step's first node
        for k, root in enumerate(roots):
            bank_of = self._bank_of.get(root)
            if bank_of is None or not bank_of.is_root or bank_of.home + bank_of.place[root] != k:
                self._strays.setdefault(self._first(root), []).append(k)
        self._leaves = [k for k, root in enumerate(roots) if root.op in ("field", "const")]
        self._free = self._last_uses()
        # Each pass moves what is kept along: more rows than that, or most of its time would go there.
        longest = max((step.keeps for step in order.steps), default=0)
        self._tile = max(PASS_VALUES // max(instruments, 1), PASS_ROWS, 4 * longest)
        self._memory: dict[int, Any] = {}
        self._stages = [nodes[0] for nodes in self._steps if nodes[0].op == "stage"]
        for k, node in enumerate(self._stages):
            stage = node.params[0]
            if isinstance(stage, Fold):
                self._memory[k] = _told(stage, None, stage.start, instruments)
            else:
                self._memory[k] = [np.empty((0, instruments)) for _ in node.inputs]

    def advance(self, fields: Mapping[str, Floats], ts: Stamps | None = None) -> Floats:
        """Return the roots' next rows, float64[n, I, roots]. fields: the market's, float64[n, I] each.

        ts: int64[n], ns UTC, of the rows, for what is said when a stage fails.
        """
        for name in self._reads:
            if name not in fields:
                raise ConfigError(not_there(name, fields))
        rows, self._ts = len(next(iter(fields.values()))), ts
        read = {name: lent(fields[name]) for name in self._reads}
        out = np.empty((rows, self._instruments, len(self.roots)))
        # A few rows at a time stay in the nearer caches. A model has them all at once: batches are its speed.
        at_once = max(rows, 1) if self._stages else self._tile
        for a in range(0, rows, at_once):
            self._pass({name: x[a : a + at_once] for name, x in read.items()}, out[a : a + at_once])
        return out

    def _first(self, node: Node) -> Node:
        """Return the node under which a node's values are kept: the first of its bank, or itself."""
        bank = self._bank_of.get(node)
        return node if bank is None else bank.nodes[0]

    def _last_uses(self) -> list[list[Node]]:
        """Return for each step what nobody reads after it: ten thousand series are not there all at once."""
        last = {
            self._first(read): k for k, (node, *_) in enumerate(self._steps) for read in (node, *node.inputs)
        }
        free: list[list[Node]] = [[] for _ in self._steps]
        for node, k in last.items():
            free[k].append(node)
        return free

    def _pass(self, fields: Mapping[str, Floats], out: Floats) -> None:
        """Send rows through all steps, and write the roots'."""
        made: dict[Node, Floats] = {}
        stages = 0

        def value(node: Node) -> Floats:
            bank = self._bank_of.get(node)
            if bank is not None:
                return made[bank.nodes[0]][:, :, bank.home + bank.place[node]]
            return made[node] if node in made else self._leaf(node, fields, len(out))

        for nodes, free in zip(self._steps, self._free, strict=True):
            node, bank = nodes[0], self._bank_of.get(nodes[0])
            inputs = tuple(value(i) for i in node.inputs)
            if bank is not None:
                made[node] = out if bank.is_root else np.empty((*out.shape[:2], len(nodes)))
                bank.advance(inputs, made[node])
            elif node.op == "stage":
                made[node] = self._run_stage(stages, node, inputs)
                stages += 1
            elif node.op == "output":
                made[node] = np.ascontiguousarray(inputs[0][:, :, node.params[0]])
            else:
                made[node] = self._compute(node, inputs)
            for k in self._strays.get(node, ()):
                out[:, :, k] = value(self.roots[k])
            for done in free:
                made.pop(done, None)
        for k in self._leaves:
            out[:, :, k] = value(self.roots[k])

    def _leaf(self, node: Node, fields: Mapping[str, Floats], rows: int) -> Floats:
        """Return the rows of a field, or of a number."""
        if node.op == "const":
            return np.full((rows, self._instruments), node.params[0])
        return fields[node.params[0]]

    def _compute(self, node: Node, inputs: tuple[Floats, ...]) -> Floats:
        """Return the rows of a node without a memory."""
        x = [np.ascontiguousarray(i) for i in inputs]
        out = np.empty(x[0].shape)
        both = x * 2 if len(x) == 1 else x  # who takes one is handed a second, and does not look at it
        operands = (value for i in both for value in (i, 0))
        compute: Callable[..., None] = choose if node.op == "where" else LOOPS[node.op]
        compute(*operands, out, 0, self._instruments)
        return out

    def _run_stage(self, k: int, node: Node, inputs: tuple[Floats, ...]) -> Floats:
        """Return the next rows of a user's Window or Fold, checked: float64[n, I], of K outputs [n, I, K].

        What it is handed is its own.
        """
        stage, rows = node.params[0], len(inputs[0])
        if not isinstance(stage, Window):
            handed = tuple(given(x) for x in inputs)
            return outputs_of(
                stage, self._call(stage, stage.advance, self._memory[k], *handed), handed[0].shape
            )
        handed = tuple(given(np.concatenate(pair)) for pair in zip(self._memory[k], inputs, strict=True))
        keep = min(max(stage.lookback - 1, 0), len(handed[0]))
        # Taken before the call: whatever it does, the next rows come after those that were.
        self._memory[k] = [x[len(x) - keep :].copy() for x in handed]
        return outputs_of(stage, self._call(stage, stage.over, *handed), handed[0].shape)[-rows:]

    def _call(self, stage: Any, method: Callable[..., Any], *args: Any) -> Any:
        """Return what a user's stage makes of the rows that it is handed."""
        return _told(stage, self._ts, method, *args)

    def state(self) -> dict[str, Any]:
        """Return all that the next chunk depends on, besides its rows."""
        memory = deepcopy([self._memory[k] for k in self._memory])  # a Fold moves its state on in place
        return {"banks": [bank.state for bank in self._banks], "memory": memory}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state` returned."""
        for bank, kept in zip(self._banks, state["banks"], strict=True):
            bank.state = dict(kept)
        self._memory = dict(enumerate(deepcopy(state["memory"])))


def _told(stage: Any, ts: Stamps | None, call: Callable[..., Any], *args: Any) -> Any:
    """Return call(*args), which runs somebody else's code: if it fails, say whose it is, where and when."""
    try:
        return call(*args)
    except RowFailed as failed:
        when = None if ts is None else int(ts[failed.row])
        raise _failure(stage, failed.cause, when) from failed.cause
    except Exception as error:
        raise _failure(stage, error, None) from error


def _failure(stage: Any, error: Exception, ts: int | None) -> StageError:
    """Return what is said of an error in a stage's own code."""
    name, said = type(stage).__name__, str(error)
    if isinstance(error, StageError):
        return StageError(name, error.message, ts)
    where = line_of(error, type(stage).__module__)
    return StageError(name, f"{type(error).__name__}: {said}{where}{_mend(said)}", ts)


def _mend(said: str) -> str:
    """Return what to do about an array that cannot be written to."""
    if "readonly array" in said and "No matching definition" in said:
        return "; what a stage is handed is read-only: compile the function without a signature"
    if "read-only" in said or "readonly array" in said:
        return "; what a stage is handed is read-only: write into a copy of it, x.copy()"
    return ""
