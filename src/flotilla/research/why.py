"""Why an order exists: back from it to the decisions, signals, features and bars behind it.

An order carries the ids of the signals and risk decisions that it was made of. What those were made of
follows from the configuration, the bars up to then and the fills up to then, and from nothing later, so it is
computed again here: for an order of research as for one of live.

1. What each strategy said, with every step of its arithmetic (`_signals`).
2. Which risk decisions stood (`_heeded`).
3. What the portfolio made of it, by the portfolio itself: once more up to the order, with its trace on
   (portfolio/trace.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from flotilla.config import RunConfig
from flotilla.errors import ConfigError, UnknownName
from flotilla.model.arrays import Floats
from flotilla.model.ids import decision_id_of, signal_bar
from flotilla.model.panel import Panel
from flotilla.model.records import Fill, Order
from flotilla.portfolio.market import Market
from flotilla.portfolio.rebalance import rebalance_of
from flotilla.portfolio.trace import Purchase, Traced, filling_bar
from flotilla.research.chain import Feature, Heeded, RestoredWeight, StrategySignal, Why
from flotilla.research.run import RunResult
from flotilla.research.signals import Stages
from flotilla.research.study import Study, plugin_folder, study_of
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import Node, walk
from flotilla.stream.decisions import read_decisions
from flotilla.words import cut


class _Said(NamedTuple):
    """What one strategy said. T: the bars up to the order's; N: steps of its arithmetic."""

    steps: list[Node]  # the signal last
    rows: Floats  # float64[T, N] of the order's instrument
    signals: Floats  # float64[T, I]


def why(result: RunResult, identity: str | Order | Fill, folder: Path | None = None) -> Why:
    """Return the chain behind an order, or behind a fill, of a run. UnknownName if it has none of that id.

    identity: its id, or the order or fill itself.
    """
    if not isinstance(result, RunResult):
        raise ConfigError(
            f"why needs the RunResult that the order is of, as why(run(config), order), not {cut(result)}; "
            "of orders that were recorded elsewhere, why_of(config, order, orders, fills)"
        )
    study = study_of(result.config, plugin_folder(folder), result.panel)
    return _why(study, result.market, identity, result.orders, result.fills)


def why_of(
    config: RunConfig,
    identity: str | Order | Fill,
    orders: Sequence[Order],
    fills: Sequence[Fill],
    folder: Path | None = None,
    panel: Panel | None = None,
) -> Why:
    """Return the chain behind an order, or a fill, that somebody else recorded: a live run.

    orders, fills: all of the portfolio's, in their order. panel: the bars, as they were; the configuration's
    source if None.
    """
    if not isinstance(config, RunConfig):
        raise ConfigError(
            f"why_of needs the RunConfig of the orders, not {cut(config)}; of a RunResult, why(result, order)"
        )
    study = study_of(config, plugin_folder(folder), panel)
    return _why(study, study.market(), identity, orders, fills)


def _why(study: Study, market: Market, asked: Any, orders: Sequence[Order], fills: Sequence[Fill]) -> Why:
    config, identity = study.config, _id_of(asked)
    order_of = {fill.fill_id: fill.order_id for fill in fills}
    known = {order.order_id: order for order in orders}
    order = known.get(order_of.get(identity, identity))
    if order is None:
        raise UnknownName(f"order or fill of {config.name}", identity, [*known, *order_of])
    i = market.panel.instruments.index(order.instrument)
    next_bar = filling_bar(market, order)
    last = order.bar if next_bar is None else next_bar - 1
    said, shares = _said(study.trees(), market, last, i), config.weights
    signals = {name: each.signals for name, each in said.items()}
    then = Traced(market, config.portfolio, shares, signals, fills, order.bar)
    mine = [fill for fill in fills if fill.order_id == order.order_id]
    weighing = then.weighing(i)

    def purchase() -> Purchase | None:
        before_fill = Traced(market, config.portfolio, shares, signals, fills, last)
        return before_fill.purchase(i, sum(fill.quantity for fill in mine))

    return Why(
        order=order,
        fills=mine,
        decided_on=_prices(market, order.bar, i),
        filled_on=_prices(market, mine[0].bar, i) if mine else {},
        signals=_signals(order, said, shares, weighing.bar),
        weighing=weighing,
        decisions=_heeded(order, config, market, study.folder),
        latch=then.latch(),
        purchase=None if next_bar is None or _replaced(order, orders, next_bar) else purchase(),
        terms=msgspec.to_builtins(config.portfolio),
        zone=market.panel.zone,
        bar_ns=int(market.panel.ts_recv[order.bar] - market.panel.ts_event[order.bar]),
        restored=_restored(config, then.held(i)) if then.before(i) == order.weight else None,
    )


def _id_of(asked: Any) -> str:
    """Return the id of an order or a fill, of the row of a table of them, or an id as it is."""
    if isinstance(asked, Order | Fill):
        return asked.fill_id if isinstance(asked, Fill) else asked.order_id
    told = asked.get("fill_id", asked.get("order_id")) if isinstance(asked, Mapping) else asked
    if not isinstance(told, str):
        raise ConfigError(
            f"an order is named by its id, as result.orders[0].order_id, or given itself; not by {cut(asked)}"
        )
    return told


def _replaced(order: Order, orders: Sequence[Order], next_bar: int) -> bool:
    """Return whether a later order came in the place of one before it met a price."""
    return any(o.instrument == order.instrument and order.bar < o.bar < next_bar for o in orders)


def _restored(config: RunConfig, held: float) -> RestoredWeight:
    """Return why a holding was brought back to a weight that had not changed."""
    told = rebalance_of(config.portfolio.rebalance)
    return RestoredWeight(told.every, told.band, held)


def _said(trees: dict[str, Node], market: Market, bar: int, i: int) -> dict[str, _Said]:
    """Return what every strategy said up to a bar, of one instrument with every step."""
    stages = Stages(market.panel.rows(0, bar + 1), {n: x[: bar + 1] for n, x in market.fields.items()}, None)
    found = {}
    for name, tree in trees.items():
        steps = [node for node in walk([tree]) if node.op != "const"]
        runner = ChunkRunner(
            stages.replace(steps), len(market.panel.instruments), market.panel.ticks_per_unit
        )
        rows = runner.advance(stages.fields)
        found[name] = _Said(steps, rows[:, i].copy(), rows[:, :, -1].copy())
    return found


def _signals(order: Order, said: dict[str, _Said], shares: dict[str, float], at: int) -> list[StrategySignal]:
    """Return what each strategy said last. at: the bar whose signals were heeded."""
    heard = {name: each.rows[at, -1] for name, each in said.items() if at >= 0}
    whole = sum(shares[name] for name, strength in heard.items() if not np.isnan(strength))
    signals = []
    for name, (steps, rows, _) in said.items():
        for signal_id in order.signal_ids:
            bar = signal_bar(signal_id, name, order.instrument)
            if bar is None:
                continue
            features = [Feature(repr(step), float(rows[bar, k])) for k, step in enumerate(steps)]
            spoke = name in heard and not np.isnan(heard[name]) and whole > 0.0
            part = shares[name] / whole if spoke else 0.0
            signals.append(
                StrategySignal(signal_id, name, bar, features[-1].value, features, shares[name], part)
            )
    return signals


def _heeded(order: Order, config: RunConfig, market: Market, folder: Path | None) -> list[Heeded]:
    """Return the risk decisions that stood, with what they said."""
    decisions, path = market.decisions, config.portfolio.decisions
    if decisions is None or path is None:
        return []
    table, found = read_decisions((folder or Path()) / path), []
    for rows, (model, pattern) in zip(decisions.rows, decisions.voices, strict=True):
        row = int(rows[order.bar])
        if row >= 0 and fnmatchcase(order.instrument, pattern):
            said = {name: table[name][row].as_py() for name in ("ts_recv", "scale", "cap", "reason")}
            found.append(Heeded(decision_id_of(model, row, pattern), model, pattern, **said))
    return found


def _prices(market: Market, bar: int, i: int) -> dict[str, float]:
    """Return an instrument's fields on a bar."""
    return {name: float(values[bar, i]) for name, values in market.panel.fields.items()}
