"""What the parts of a file say of one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from flotilla.config.paths import RESTORING, split_path
from flotilla.config.portfolios import wrong_portfolios
from flotilla.config.study import RunConfig, Steps
from flotilla.door import NAME, NAME_FORM, Door, struct_fields
from flotilla.errors import nearest
from flotilla.model.measures import RANKED
from flotilla.model.terms import PortfolioConfig, Weight
from flotilla.portfolio.rebalance import rebalance_of
from flotilla.words import cut

LEAST = 1e-12  # of a number that is not 0: below, arithmetic loses digits, and nobody means it
TOO_SMALL = f"is too small: write 0, or at least {LEAST:g}"


def inconsistent(config: RunConfig) -> Iterator[str]:
    """Yield what is wrong with a configuration whose parts are each right by themselves."""
    yield from _wrong_names(config)
    yield from wrong_portfolios(config)
    yield from _wrong_dates(config)
    for name, strategy in config.strategies.items():
        yield from _wrong_numbers({"weight": strategy.weight}, f"$.strategies.{name}")
    common = [*_wrong_terms(config, config.portfolio, "$.portfolio", config.sweep)]
    yield from common
    for name, told in config.portfolios.items() if not common else ():
        yield from _wrong_terms(config, told, f"$.portfolios.{name}", {})
    yield from _wrong_sweep(config)


def _wrong_names(config: RunConfig) -> Iterator[str]:
    if not NAME.fullmatch(config.name):
        yield f"$.name: {cut(config.name)} {NAME_FORM}"
    if not config.strategies:
        yield "$.strategies: there is none"
    for name in config.strategies:
        if not NAME.fullmatch(name) or name == "portfolio":
            yield f"$.strategies: {cut(name)} {NAME_FORM}, and not 'portfolio'"
    if config.rank_by not in RANKED:
        yield f"$.rank_by: a sweep cannot rank by {cut(config.rank_by)}; it can by {', '.join(RANKED)}"


def _wrong_dates(config: RunConfig) -> Iterator[str]:
    first, last = config.data.start, config.data.end
    if first and last and first >= last:
        yield f"$.data.end: {last} is not after the start, {first}"


def _wrong_terms(
    config: RunConfig, portfolio: PortfolioConfig, where: str, axes: Mapping[str, Any]
) -> Iterator[str]:
    """Yield what is wrong with a portfolio's terms. axes: of its sweep."""
    first, last, trades = config.data.start, config.data.end, portfolio.start
    if trades and ((first and trades < first) or (last and trades > last)):
        yield f"{where}.start: {trades} is outside {first or '...'} to {last or '...'}"
    yield from _wrong_numbers(msgspec.structs.asdict(portfolio), where)
    if "portfolio.rebalance" in axes and axes.keys() & {f"portfolio.{part}" for part in RESTORING}:
        yield "$.sweep.portfolio.rebalance: beside its parts, sweep the word as portfolio.rebalance.every"
    told = rebalance_of(portfolio.rebalance)
    every = axes.get("portfolio.rebalance.every", (told.every,))
    banded = told.band > 0.0 or "portfolio.rebalance.band" in axes
    if banded and not isinstance(every, Steps) and "change" in every:
        yield (
            f"{where}.rebalance.band: with every: change no drift is looked at; "
            "say every: bar, or day, week, month"
        )


def _wrong_numbers(numbers: Mapping[str, Any], where: str) -> Iterator[str]:
    for name, value in numbers.items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        for key, number in parts:
            if too_small(number):
                yield f"{where}.{name}{'.' * bool(key)}{key}: {number} {TOO_SMALL}"


def too_small(value: Any) -> bool:
    """Say whether a value is a number so small that it was hardly meant."""
    return isinstance(value, int | float) and 0.0 < abs(value) < LEAST


def _wrong_sweep(config: RunConfig) -> Iterator[str]:
    fields = {key: field.type for key, field in struct_fields(PortfolioConfig).items()} | RESTORING
    weights = {name: [strategy.weight] for name, strategy in config.strategies.items()}
    for key, axis in config.sweep.items():
        where, (owner, name) = f"$.sweep.{key}", split_path(key)
        try:
            values = axis.values() if isinstance(axis, Steps) else axis
        except ValueError as error:
            yield f"{where}: {error}"
            continue
        if not values or len({(type(value) is bool, value) for value in values}) < len(values):
            yield f"{where} should have at least one value, each once"
        if not name:
            owners = " or ".join(f"{one}.{key}" for one in _owners(config, key, fields))
            yield f"{where}: say whose parameter it is: {owners}"
        elif owner != "portfolio" and owner not in config.strategies:
            yield f"{where}: nothing is called {owner!r}{nearest(owner, ['portfolio', *config.strategies])}"
        elif owner == "portfolio" and name not in fields:
            yield f"{where}: a portfolio has no {name!r}{nearest(name, fields)}"
        elif owner == "portfolio" or name == "weight":
            kind = fields[name] if owner == "portfolio" else Weight
            reader = Door()
            there = [reader.value(kind, value, where) for value in values]
            yield from reader.mistakes
            yield from (f"{where}: {value} {TOO_SMALL}" for value in values if too_small(value))
            if name == "weight" and not reader.mistakes:
                weights[owner] = there
    if weights and all(0 in choices for choices in weights.values()):
        yield "$.strategies: a weight above zero is needed, for every portfolio"


def _owners(config: RunConfig, key: str, terms: Iterable[str]) -> list[str]:
    """Return whose the parameter may be that a sweep gives without an owner."""
    return ["portfolio"] if key in terms else [*config.strategies] or ["portfolio"]
