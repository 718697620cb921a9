"""Why an order exists: back from it to the decisions, signals, features and bars behind it.

An order carries the ids of the signals and risk decisions that it was made of. What those were made of
follows from the configuration and the bars up to then, and from nothing later, so it is computed again here:
for an order of research as for one of live.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from flotilla.config import RunConfig
from flotilla.errors import UnknownName
from flotilla.model.records import Fill, Order
from flotilla.research.market import Market, market_of, open_panel
from flotilla.research.run import RunResult
from flotilla.research.signals import trees_of
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import Node, walk


class Feature(NamedTuple):
    """One step of a strategy's arithmetic, as an expression, and what it came to."""

    text: str
    value: float


class Opinion(NamedTuple):
    """What a strategy said, and what it was looking at."""

    signal_id: str
    strategy: str
    bar: int
    strength: float
    features: list[Feature]


class Why(NamedTuple):
    """The chain behind one order."""

    order: Order
    fills: list[Fill]
    decided_on: dict[str, float]  # the bar at whose close it was decided
    filled_on: dict[str, float]  # the bar that it filled on; empty while there is none
    opinions: list[Opinion]
    decisions: list[str]
    terms: dict[str, Any]  # the portfolio's

    def as_dict(self) -> dict[str, Any]:
        """Return the chain as plain values."""
        opinions = [{**o._asdict(), "features": [f._asdict() for f in o.features]} for o in self.opinions]
        plain: dict[str, Any] = msgspec.to_builtins({**self._asdict(), "opinions": opinions})
        return plain


def why(result: RunResult, identity: str, folder: Path | None = None) -> Why:
    """Return the chain behind an order, or behind a fill, of a run. UnknownName if it has none of that id."""
    order_of = {fill.fill_id: fill.order_id for fill in result.fills}
    orders = {order.order_id: order for order in result.orders}
    order = orders.get(order_of.get(identity, identity))
    if order is None:
        raise UnknownName(f"order or fill of {result.portfolio_id}", identity, [*orders, *order_of])
    fills = [fill for fill in result.fills if fill.order_id == order.order_id]
    return explain(order, fills, result.config, result.market, folder)


def why_of(config: RunConfig, order: Order, fills: Sequence[Fill], folder: Path | None = None) -> Why:
    """Return the chain behind an order that somebody else recorded: a live run."""
    market = market_of(open_panel(config, folder), config.portfolio, config.name, folder)
    return explain(order, list(fills), config, market, folder)


def explain(order: Order, fills: list[Fill], config: RunConfig, market: Market, folder: Path | None) -> Why:
    """Return the chain behind an order, from the bars up to its own."""
    i = market.panel.instruments.index(order.instrument)
    opinions = []
    for name, tree in trees_of(config, folder).items():
        ending = f"-{order.instrument}"
        heard = [s for s in order.signal_ids if s.startswith(f"{name}-") and s.endswith(ending)]
        for signal_id in heard:
            bar = int(signal_id.removeprefix(f"{name}-").split("-", 1)[0])
            features = _features(tree, market, bar, i)
            opinions.append(Opinion(signal_id, name, bar, features[-1].value, features))
    return Why(
        order=order,
        fills=fills,
        decided_on=_prices(market, order.bar, i),
        filled_on=_prices(market, fills[0].bar, i) if fills else {},
        opinions=opinions,
        decisions=list(order.decision_ids),
        terms=msgspec.to_builtins(config.portfolio),
    )


def _features(tree: Node, market: Market, bar: int, i: int) -> list[Feature]:
    """Return every step of a tree for one bar and instrument, the signal last. No later row is read."""
    nodes = [node for node in walk([tree]) if node.op != "const"]
    runner = ChunkRunner(nodes, len(market.panel.instruments), market.panel.ticks_per_unit)
    rows = runner.advance({name: values[: bar + 1] for name, values in market.fields.items()})
    return [Feature(repr(node), float(rows[-1, i, k])) for k, node in enumerate(nodes)]


def _prices(market: Market, bar: int, i: int) -> dict[str, float]:
    """Return an instrument's fields on a bar."""
    return {name: float(values[bar, i]) for name, values in market.panel.fields.items()}


def lines(chain: Why) -> list[str]:
    """Return the chain as text, from the fill back to the prices."""
    order = chain.order
    when = str(np.datetime64(order.ts_event, "ns").astype("datetime64[s]"))
    quantity = f"{order.quantity:,.6g}" if order.quantity == order.quantity else "sized at the fill"
    text = [
        f"order {order.order_id}: {order.instrument} {quantity}, to weigh {order.weight:.4%} of equity",
        f"  decided at the close of bar {order.bar} ({when}): {_spelled(chain.decided_on)}",
    ]
    for fill in chain.fills:
        on = str(np.datetime64(fill.ts_event, "ns").astype("datetime64[s]"))
        text.append(
            f"  filled on bar {fill.bar} ({on}): {fill.quantity:,.6g} at {fill.price:,.4f}, "
            f"fee {fill.fee:,.2f}"
        )
    if not chain.fills:
        text.append("  not filled")
    for opinion in chain.opinions:
        text.append(f"  because {opinion.strategy} said {opinion.strength:g} on bar {opinion.bar}:")
        text += [f"    {feature.text} = {feature.value:,.6g}" for feature in opinion.features]
    text += [f"  under risk decision {decision}" for decision in chain.decisions]
    if not chain.decisions:
        text.append("  under no risk decision")
    return text


def _spelled(prices: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:,.4f}" for name, value in prices.items())
