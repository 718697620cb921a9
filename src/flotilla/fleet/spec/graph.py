"""What needs what: checks, orders, closures and drawings of the graph of platforms.

1. `check` tells every unknown name and every circle, the circle with its exact path.
2. `levels` is the order of a start: all of one level may start together; a stop goes back.
3. `needs_of` and `needers_of` follow the arrows to their ends.
4. `as_text` and `as_dot` draw.

A graph is a mapping: name -> the names that it needs. Nothing here recurses: a chain of ten
thousand is as good as one of ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from flotilla.errors import nearest

Graph = Mapping[str, Iterable[str]]


def check(graph: Graph) -> list[str]:
    """Return what is wrong, with its path; nothing if each platform can be started.

    Unknown names are one mistake each. Each knot of platforms that need one another is one
    mistake, told as the shortest circle through its first name: `a -> b -> a`.
    """
    mistakes = []
    for name, needs in graph.items():
        for need in needs:
            if need not in graph:
                known = nearest(need, [other for other in graph if other != name])
                mistakes.append(f"$.platforms.{name}.needs: no platform is called {need!r}{known}")
    for knot in _knots(graph):
        circle = _circle(graph, knot)
        mistakes.append(f"$.platforms.{circle[0]}.needs: {' -> '.join(circle)}")
    return mistakes


def levels(graph: Graph, names: Iterable[str] | None = None) -> tuple[tuple[str, ...], ...]:
    """Return `names` (all, if none are given) in the order of a start, those that may go together in one.

    Only the needs among `names` count; through others they still do: see `needs_of`. The graph is
    one that `check` finds nothing wrong with.
    """
    wanted = set(graph) if names is None else set(names)
    left = {name: {need for need in graph[name] if need in wanted} for name in graph if name in wanted}
    needers = needed_by(left)
    found: list[tuple[str, ...]] = []
    level = [name for name, needs in left.items() if not needs]
    while level:
        found.append(tuple(level))
        freed: dict[str, None] = {}
        for name in level:
            for needer in needers[name]:
                left[needer].discard(name)
                if not left[needer]:
                    freed[needer] = None
        level = list(freed)
    return tuple(found)


def needed_by(graph: Graph) -> dict[str, tuple[str, ...]]:
    """Return for each name those that need it themselves."""
    found: dict[str, list[str]] = {name: [] for name in graph}
    for name, needs in graph.items():
        for need in dict.fromkeys(needs):
            if need in found:
                found[need].append(name)
    return {name: tuple(needers) for name, needers in found.items()}


def needs_of(graph: Graph, names: Iterable[str]) -> set[str]:
    """Return `names` and all that they need, and what those need, to the end."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += graph[name]
    return found


def needers_of(graph: Graph, names: Iterable[str]) -> set[str]:
    """Return `names` and all that need them, and what needs those, to the end."""
    return needs_of(needed_by(graph), names)


def as_text(graph: Graph, notes: Mapping[str, str] | None = None) -> str:
    """Return the graph as a tree of lines, a platform below what it needs; once in full, then in short.

    notes: what to write behind a name: its state.
    """
    notes = notes or {}
    needers = needed_by(graph)
    lines: list[str] = []
    drawn: set[str] = set()
    roots = [name for name in graph if not list(graph[name])]
    left = [(name, "", "", "") for name in reversed(roots)]
    while left:
        name, margin, branch, below = left.pop()
        again = name in drawn and bool(needers[name])
        note = f"  {notes[name]}" if name in notes else ""
        lines.append(f"{margin}{branch}{name}{note}{'  ...' if again else ''}")
        if name in drawn:
            continue
        drawn.add(name)
        children = needers[name]
        for place, child in reversed(list(enumerate(children))):
            last = place == len(children) - 1
            left.append((child, margin + below, "└─ " if last else "├─ ", "   " if last else "│  "))
    return "\n".join(lines)


def as_dot(graph: Graph, notes: Mapping[str, str] | None = None) -> str:
    """Return the graph in the language of Graphviz, arrows from what is needed to what needs it."""
    notes = notes or {}
    nodes = [f'  "{name}" [label="{name}\\n{notes[name]}"];' for name in graph if name in notes]
    arrows = [f'  "{need}" -> "{name}";' for name, needs in graph.items() for need in needs]
    return "\n".join(["digraph fleet {", "  rankdir=LR;", *nodes, *arrows, "}"])


def _knots(graph: Graph) -> list[list[str]]:
    """Return the platforms that need one another, each knot in the graph's order: Tarjan, with a stack."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    trail: list[str] = []
    there: set[str] = set()
    knots: list[list[str]] = []
    place = {name: number for number, name in enumerate(graph)}
    for root in graph:
        path: list[tuple[str, Iterator[str]]] = []
        if root not in index:
            path.append(_enter(graph, root, index, low, trail, there))
        while path:
            name, needs = path[-1]
            need = next((need for need in needs if need in graph), None)
            if need is not None:
                if need not in index:
                    path.append(_enter(graph, need, index, low, trail, there))
                elif need in there:
                    low[name] = min(low[name], index[need])
                continue
            path.pop()
            if path:
                low[path[-1][0]] = min(low[path[-1][0]], low[name])
            if low[name] == index[name]:
                knot = [trail.pop()]
                while knot[-1] != name:
                    knot.append(trail.pop())
                there.difference_update(knot)
                if len(knot) > 1 or name in graph[name]:
                    knots.append(sorted(knot, key=place.__getitem__))
    return sorted(knots, key=lambda knot: place[knot[0]])


def _enter(
    graph: Graph,
    name: str,
    index: dict[str, int],
    low: dict[str, int],
    trail: list[str],
    there: set[str],
) -> tuple[str, Iterator[str]]:
    index[name] = low[name] = len(index)
    trail.append(name)
    there.add(name)
    return name, iter(graph[name])


def _circle(graph: Graph, knot: list[str]) -> list[str]:
    """Return the shortest way from the knot's first name back to itself."""
    first, inside = knot[0], set(knot)
    came: dict[str, str] = {}
    queue = [first]
    for name in queue:  # it grows while it is read
        for need in graph[name]:
            if need == first:
                way = [name]
                while way[-1] != first:
                    way.append(came[way[-1]])
                return [*reversed(way), first]
            if need in inside and need not in came:
                came[need] = name
                queue.append(need)
    return [first]  # not a knot
