"""Plan what a sweep computes once, and what each of its portfolios computes for itself.

1. A strategy is called once, with a `Column` for each swept parameter (`tree_of`). One that asks a parameter
   for its value is called once for each set of values instead.
2. Below a swept tree, what has a memory takes few distinct forms: ten thousand crossovers over 142 windows
   need 142 averages. Each form is a feature, computed once for all (`_bind`).
3. What is left on top is element by element, and differs in every portfolio: it becomes the `Program` that
   the lanes run (`_Writer`). Where that too takes few forms, it is a feature like the others.

The plan is a value: it opens nothing and computes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.errors import ConfigError
from flotilla.kernel.elementwise import CODES
from flotilla.kernel.lanes import rows_together
from flotilla.kernel.signals import WHERE, Program, cut_block
from flotilla.model.arrays import Floats, Ints
from flotilla.stage.expression import Column, NeedsOneValue, Node, field, walk
from flotilla.stage.fold import Fold
from flotilla.stage.foreign import no_signal
from flotilla.stage.plan import warm_up, warm_ups
from flotilla.stage.window import Window, stage_node

FEW = 8  # a tree with less than one form for so many portfolios is computed as a feature
CELLS = 10_240  # lanes x instruments of a block: its books stay in the second cache
FEWEST, MOST = 64, 4096  # lanes of a block: with fewer, what a block costs by itself shows
CUT = 150  # cells: what gathering so many costs, another piece costs


class Choice(NamedTuple):
    """A tree that takes one of several forms in each portfolio. which: int64[P], into forms."""

    forms: list[Node]
    which: Ints


Swept = Node | Choice


class LanePlan(NamedTuple):
    """What to compute once (features), and the program of each block, for its portfolios in their order."""

    features: list[Node]
    programs: list[Program]


def as_tree(made: Any, name: str) -> Node:
    """Return what a strategy's callable gave as a node: an expression as it is, a Window or Fold wrapped."""
    if isinstance(made, Node):
        return made
    if isinstance(made, (Window, Fold)):
        return stage_node(made)
    raise ConfigError(
        f"strategy {name!r} gave {type(made).__name__}; "
        f"it must give an expression, a Window, a Fold or an OnBar{no_signal(made)}"
    )


def tree_of(target: Callable[..., Any], params: Mapping[str, Any], name: str) -> Swept:
    """Return a strategy's tree. params: each a value, or an array with one for each portfolio."""
    swept = {k: v for k, v in params.items() if isinstance(v, np.ndarray)}
    if not swept:
        return as_tree(target(**params), name)
    if all(v.dtype.kind in "if" for v in swept.values()):
        try:
            made = target(**{**params, **{k: Column(v) for k, v in swept.items()}})
            if isinstance(made, Node) and not any(n.op == "stage" for n in walk([made])):
                return made
        except (NeedsOneValue, TypeError, AttributeError):
            pass  # only a number can do what was asked: it is called once for each set of values, below
    first, which = distinct(list(swept.values()))
    values = zip(*(column[first].tolist() for column in swept.values()), strict=True)
    forms = [as_tree(target(**{**params, **dict(zip(swept, one, strict=True))}), name) for one in values]
    return Choice(forms, which)


def rows_needed(tree: Swept, portfolios: int) -> Ints:
    """Return how many rows of the market a tree needs in each portfolio for its first value: int64[P]."""
    if isinstance(tree, Choice):
        return np.array([warm_up(form) for form in tree.forms], np.int64)[tree.which]
    needed = warm_ups([tree])[tree]
    return np.broadcast_to(np.asarray(needed, np.int64), portfolios)


def distinct(columns: Sequence[NDArray[Any]]) -> tuple[Ints, Ints]:
    """Return where each distinct row of the columns first stands, and for each row which one it is."""
    # What is no number need not have an order.
    ordered = [c if c.dtype.kind in "if" else np.array([repr(value) for value in c]) for c in columns]
    codes = ordered[0]
    for column in ordered[1:]:
        each = [np.unique(values, return_inverse=True) for values in (codes, column)]
        codes = each[0][1] * len(each[1][0]) + each[1][1]
    _, first, which = np.unique(codes, return_index=True, return_inverse=True)
    return first, which


def _columns_below(node: Node) -> list[Column]:
    """Return the swept parameters of a tree, each once."""
    found = {id(p): p for n in walk([node]) for p in n.params if isinstance(p, Column)}
    return list(found.values())


def _bind(node: Node, at: int, known: dict[int, Node]) -> Node:
    """Return the tree with the values that its swept parameters have in portfolio `at`."""
    if not node.swept:
        return node
    if id(node) not in known:
        params = tuple(p.values[at].item() if isinstance(p, Column) else p for p in node.params)
        known[id(node)] = Node(node.op, params, tuple(_bind(i, at, known) for i in node.inputs))
    return known[id(node)]


class _Writer:
    """Writes the program of a family of portfolios: operands, instructions, and the features looked at."""

    def __init__(self, portfolios: int) -> None:
        self.portfolios = portfolios
        self.features: dict[Node, int] = {}
        self.columns: list[Ints] = []
        self.constants: list[Floats] = []
        self.code: list[tuple[int, int, int, int]] = []
        self._operand_of: dict[int, int] = {}

    def feature(self, node: Node) -> int:
        """Return the number of a feature, adding it if it is new."""
        return self.features.setdefault(node, len(self.features))

    def choice(self, choice: Choice) -> int:
        """Add an operand that is a feature, another one in each portfolio. Return its number."""
        column = np.array([self.feature(form) for form in choice.forms], np.int64)[choice.which]
        return self._add(column, np.zeros(self.portfolios))

    def _add(self, column: Ints, constant: Floats) -> int:
        self.columns.append(column)
        self.constants.append(constant)
        return len(self.columns) - 1

    def write(self, node: Node) -> tuple[bool, int]:
        """Add what computes a tree. Return (is it an operand, its number among operands or instructions)."""
        if node.op == "const":
            value = node.params[0]
            constant = value.values if isinstance(value, Column) else np.full(self.portfolios, value)
            return True, self._add(np.full(self.portfolios, -1), constant.astype(np.float64))
        forms = self._forms(node)
        if forms is not None:
            return True, self.choice(forms)
        inputs = [self.write(i) for i in node.inputs]
        self.code.append((WHERE if node.op == "where" else CODES[node.op], *self._three(inputs)))
        return False, len(self.code) - 1

    def _three(self, inputs: list[tuple[bool, int]]) -> tuple[int, int, int]:
        """Return three slots; unused ones repeat the first. Instructions count from -1 down until placed."""
        slots = [number if operand else -1 - number for operand, number in inputs]
        while len(slots) < 3:
            slots.append(slots[0])
        return slots[0], slots[1], slots[2]

    def _forms(self, node: Node) -> Choice | None:
        """Return the forms of a tree if it is to be a feature: it has a memory, or takes few forms."""
        if not node.swept:
            return Choice([node], np.zeros(self.portfolios, np.int64))
        memory = node.op not in CODES and node.op != "where"
        first, which = distinct([c.values for c in _columns_below(node)])
        if memory or len(first) * FEW <= self.portfolios:
            return Choice([_bind(node, int(at), {}) for at in first], which)
        return None


def plan_lanes(
    strategies: Sequence[Swept], shares: Sequence[Floats], period: int, instruments: int
) -> LanePlan:
    """Return the plan for P portfolios. shares: the weights of each strategy in the mean, float64[P].

    period: after how many portfolios the innermost swept parameter begins again; blocks are cut to it.
    """
    portfolios = len(shares[0])
    writer = _Writer(portfolios)
    outputs = [
        (True, writer.choice(tree)) if isinstance(tree, Choice) else writer.write(tree) for tree in strategies
    ]
    lanes = block_size(period, portfolios, instruments)
    return _place(writer, outputs, shares, lanes, instruments)


def block_size(period: int, portfolios: int, instruments: int) -> int:
    """Return how many lanes a block has: about 10,000 cells, in step with the innermost swept parameter.

    Fewer where there are few portfolios, so that several workers have blocks to take.
    """
    about = min(max(CELLS // instruments, FEWEST), MOST)
    about = max(min(about, portfolios // 4), FEWEST)
    if period >= about:
        return -(-period // -(-period // about))
    return min(period * (about // period), portfolios)


def _place(
    writer: _Writer,
    outputs: list[tuple[bool, int]],
    shares: Sequence[Floats],
    lanes: int,
    instruments: int,
) -> LanePlan:
    """Sort the features into banks, and write a program for every block of `lanes` portfolios."""
    portfolios, operands = writer.portfolios, len(writer.columns)
    nodes = sorted(writer.features, key=lambda n: (n.op, repr(n.inputs), n.params if n.op != "stage" else ()))
    moved = np.empty(len(nodes) + 1, np.int64)
    moved[[writer.features[n] for n in nodes]] = np.arange(len(nodes))
    moved[-1] = -1
    column = moved[np.array(writer.columns)]
    constant = np.array(writer.constants)
    share = np.array([np.broadcast_to(s, portfolios) for s in shares], np.float64)
    slot = np.vectorize(lambda s: s if s >= 0 else operands - 1 - s, otypes=[np.int64])
    code = np.array(writer.code, np.int64).reshape(-1, 4)
    if len(code):
        code[:, 1:] = slot(code[:, 1:])
    output = np.array([n if o else operands + n for o, n in outputs], np.int64)
    fused = [number for is_operand, number in outputs if is_operand] if len(outputs) > 1 else []
    programs = []
    for first in range(0, portfolios, lanes):
        own = slice(first, min(first + lanes, portfolios))
        columns = np.ascontiguousarray(column[:, own])
        jumps = _jumps(columns, fused, rows_together(instruments))
        programs.append(
            Program(
                column=columns,
                constant=np.ascontiguousarray(constant[:, own]),
                jumps=jumps,
                pieces=_pieces(columns, jumps),
                code=code,
                output=output,
                share=np.ascontiguousarray(share[:, own]),
            )
        )
    return LanePlan(nodes or [field("close")], programs)  # some feature, for nobody to look at


def _jumps(column: Ints, fused: list[int], rows: int) -> NDArray[np.bool_]:
    """Return which operands of a block are fetched into their slots: bool[n].

    column: int64[n, L]. fused: the operands that are signals themselves: the mean reads them there.
    """
    step = np.diff(column, axis=1)
    cuts = ((step != 0) & (step != 1)).sum(axis=1) + (np.diff(step, axis=1) != 0).sum(axis=1) // 2
    jumps: NDArray[np.bool_] = (cuts * CUT > column.shape[1] * rows) | (column[:, 0] < 0)
    jumps[fused] = True
    return jumps


def _pieces(column: Ints, jumps: NDArray[np.bool_]) -> Ints:
    """Return the pieces of a block, as `Program` has them. column: int64[n, L]; jumps: bool[n]."""
    operands, lanes = column.shape
    pieces = np.zeros((lanes, 2 + 2 * operands), np.int64)
    return pieces[: cut_block(column, jumps, pieces)].copy()
