"""Plan how expressions are computed: in which order, what together, and how much history each needs.

1. Order the nodes so that each comes after what it reads (`walk`); equal trees are one node already.
2. Gather operators with a memory that read the same into banks (`_banks`): all windows over one series go
   through it together.
3. Walk up from the fields and add warm-ups (`warm_up`): a 20-row mean of a 5-row return needs 25 rows of
price.

A plan is a value: print it, compare it, test it. `flotilla run --plan` shows it.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from flotilla.errors import UnknownName
from flotilla.model.panel import FIELDS
from flotilla.stage.banks import OPERATORS
from flotilla.stage.expression import CALENDAR, Column, Node, walk
from flotilla.stage.fold import Fold
from flotilla.stage.operators import ELEMENTWISE

_LEAVES = ("field", "const")
STAGES = ("stage", "output")  # somebody's Window or Fold, and one of several that it gives


class Step(NamedTuple):
    """What is computed together: a bank, sorted by its parameters, or one node that stands alone."""

    nodes: tuple[Node, ...]
    warm_up: int  # rows of the market before all of it can speak, that row included
    keeps: int  # rows kept along from chunk to chunk


class Plan(NamedTuple):
    """How the roots are computed, in order."""

    roots: tuple[Node, ...]
    order: tuple[Node, ...]  # every node once, inputs before what reads them
    steps: tuple[Step, ...]  # the same, gathered
    fields: tuple[str, ...]  # what is read of the market
    warm_up: int  # rows of the market before every root can speak, that row included

    @property
    def banks(self) -> tuple[tuple[Node, ...], ...]:
        """Return the steps that have a memory of our own making."""
        return tuple(step.nodes for step in self.steps if step.nodes[0].op in OPERATORS)

    def __str__(self) -> str:
        lines = [f"reads {', '.join(self.fields) or 'nothing'}"]
        lines += [
            f"{number:3}. {_told(step.nodes)}, from row {step.warm_up}"
            + (f", keeps {step.keeps}" if step.keeps else "")
            for number, step in enumerate(self.steps, 1)
        ]
        return "\n".join([*lines, f"speaks from row {self.warm_up}"])


def plan(roots: Sequence[Node]) -> Plan:
    """Return the plan of expressions; ConfigError if one has an operator that there is not."""
    order = tuple(walk(list(roots)))
    for node in order:
        if node.op not in OPERATORS and node.op not in (*_LEAVES, *ELEMENTWISE, *STAGES):
            raise UnknownName("operator", node.op, (*OPERATORS, *ELEMENTWISE))
    needs = {node: rows if type(rows) is int else int(np.max(rows)) for node, rows in warm_ups(roots).items()}
    steps = tuple(
        Step(nodes, max(needs[n] for n in nodes), max(_keeps(n) for n in nodes)) for nodes in _banks(order)
    )
    fields = tuple(sorted({n.params[0].removeprefix(CALENDAR) for n in order if n.op == "field"}))
    return Plan(tuple(roots), order, steps, fields, max(needs[root] for root in roots))


def warm_up(node: Node) -> int:
    """Return how many rows of the market a node needs for its first value, that row included.

    It is known for sure of expressions and Windows; of a Fold it is what the Fold says. Rows that are not
    known come on top. Where a parameter is swept it is that of the longest.
    """
    return plan([node]).warm_up


def warm_ups(roots: Sequence[Node]) -> dict[Node, Any]:
    """Return the same of every node below the roots; int64[P] where a parameter below differs."""
    needs: dict[Node, Any] = {}
    for node in walk(list(roots)):
        below = reduce(_larger, (needs[i] for i in node.inputs), 1)
        needs[node] = _own(node) - 1 + below
    return needs


def placed(roots: Sequence[Node], instruments: Sequence[str]) -> list[Node]:
    """Return the roots with each instrument that they name at its column; UnknownName if it is not there."""
    known: dict[Node, Node] = {}
    for node in walk(list(roots)):
        params, inputs = node.params, tuple(known[i] for i in node.inputs)
        if node.op in ("of", "named"):
            if params[0] not in instruments:
                raise UnknownName("instrument of the data", params[0], instruments)
            params = (params[0], list(instruments).index(params[0]))
        moved = params is not node.params or any(a is not b for a, b in zip(inputs, node.inputs, strict=True))
        known[node] = Node(node.op, params, inputs) if moved else node
    return [known[root] for root in roots]


def in_ticks(node: Node) -> bool:
    """Return whether a node is whole ticks wherever prices are: a price, or one of several."""
    if node.op == "field":
        return node.params[0] in FIELDS and node.params[0] != "volume"
    return node.op in OPERATORS and OPERATORS[node.op].exact and all(in_ticks(i) for i in node.inputs)


def _banks(order: Sequence[Node]) -> list[tuple[Node, ...]]:
    """Return what is computed together, in an order in which it can be."""
    groups: dict[tuple[Any, ...], list[Node]] = {}
    for node in order:
        if node.op not in _LEAVES:
            shared = (node.op, *map(id, node.inputs)) if node.op in OPERATORS else (id(node),)
            groups.setdefault(shared, []).append(node)
    return [
        tuple(nodes if any(n.swept for n in nodes) else sorted(nodes, key=lambda n: n.params))
        for nodes in groups.values()
    ]


def _own(node: Node) -> Any:
    """Return how many rows of its inputs a node needs for its first value."""
    if node.op == "stage":
        stage = node.params[0]
        return int(stage.warm_up if isinstance(stage, Fold) else stage.lookback)
    return OPERATORS[node.op].warm_up(*map(_values, node.params)) if node.op in OPERATORS else 1


def _keeps(node: Node) -> int:
    """Return how many rows a node keeps along."""
    if node.op == "stage":
        return 0 if isinstance(node.params[0], Fold) else max(int(node.params[0].lookback) - 1, 0)
    return int(OPERATORS[node.op].keeps(*map(_largest, node.params))) if node.op in OPERATORS else 0


def _larger(one: Any, other: Any) -> Any:
    """Return the larger: of two counts, or of each portfolio's."""
    return max(one, other) if type(one) is type(other) is int else np.maximum(one, other)


def _values(param: Any) -> Any:
    return param.values if isinstance(param, Column) else param


def _largest(param: Any) -> Any:
    return param.values.max() if isinstance(param, Column) else param


def _told(nodes: tuple[Node, ...]) -> str:
    """Return a step in words: an expression, or a bank with its parameters."""
    if len(nodes) == 1:
        return repr(nodes[0])
    names = OPERATORS[nodes[0].op].parameters
    sets = [f"{name} = {_listed([n.params[k] for n in nodes])}" for k, name in enumerate(names)]
    head = f"{nodes[0].op}({', '.join([*map(repr, nodes[0].inputs), *names])})"
    return f"{head} for {' and '.join(sets)}: {len(nodes)} together"


def _listed(values: list[Any]) -> str:
    distinct = sorted(set(values))
    if len(distinct) <= 6:
        return ", ".join(map(repr, distinct))
    return f"{distinct[0]!r}, {distinct[1]!r} .. {distinct[-1]!r}"
