"""A run's configuration: one YAML file, decoded at the door into frozen typed values.

1. Read the text, and decode each part into its struct, collecting every mistake with its path
   (`flotilla.door`).
2. Check what the parts say of one another: dates, weights, the keys of a sweep (`_wrong_…`).
3. Ask the plugins whether they take their parameters (`check_plugins`).

Whoever runs is handed its own part, never the whole file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
from msgspec import Meta, Struct

from flotilla import door
from flotilla.door import NAME, NAME_FORM, Door, fields_of, settle, wrong_values
from flotilla.errors import ConfigError, nearest
from flotilla.headings import without_headings
from flotilla.model.measures import RANKED
from flotilla.model.terms import Band, Every, PortfolioConfig, Weight
from flotilla.plugins import called, check_params, check_value, find, names, parameters
from flotilla.portfolio.rebalance import rebalance_of
from flotilla.words import cut

MOST_VALUES = 1_000_000  # on one axis of a sweep

Scalar = bool | int | float | str | None
RESTORING = {"rebalance.every": Every, "rebalance.band": Band}  # parts of a key that can be swept
LEAST = 1e-12  # of a number that is not 0: below, arithmetic loses digits, and nobody means it
TOO_SMALL = f"is too small: write 0, or at least {LEAST:g}"


class DataConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the bars come from: a source, the days from `start` to `end`, both included."""

    source: str = "sample"
    start: date | None = None
    end: date | None = None
    instruments: Annotated[tuple[str, ...], Meta(min_length=1)] | None = None  # None: all there are
    params: dict[str, Any] = {}


class StrategyConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """One strategy: which plugin, with which parameters, and its weight in the mean of all."""

    kind: str
    weight: Weight = 1.0
    params: dict[str, Any] = {}


class Steps(Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Numbers from `from_` by `step` up to `to`, which is one of them if a step lands on it."""

    from_: int | float
    to: int | float
    step: int | float = 1

    def values(self) -> tuple[int | float, ...]:
        """Return the numbers: ints if all three are, else floats as their decimals say."""
        first, last, step = (Decimal(str(number)) for number in (self.from_, self.to, self.step))
        if not step or (last - first) / step < 0:
            raise ValueError(f"{self.step} does not lead from {self.from_} to {self.to}")
        count = int((last - first) / step) + 1
        if count > MOST_VALUES:
            raise ValueError(f"{count} values are more than {MOST_VALUES}")
        whole = all(isinstance(number, int) for number in (self.from_, self.to, self.step))
        kind = int if whole else float
        return tuple(kind(first + k * step) for k in range(count))


class RunConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    name: str
    strategies: dict[str, StrategyConfig]
    data: DataConfig = DataConfig()
    portfolio: PortfolioConfig = PortfolioConfig()
    sweep: dict[str, Steps | tuple[Scalar, ...]] = {}
    rank_by: str = "sharpe"

    @property
    def weights(self) -> dict[str, float]:
        """Return each strategy's weight in the mean."""
        return {name: strategy.weight for name, strategy in self.strategies.items()}

    def axes(self) -> dict[str, tuple[Scalar, ...]]:
        """Return the sweep's values, key by key; the first key changes slowest."""
        return {key: axis.values() if isinstance(axis, Steps) else axis for key, axis in self.sweep.items()}


def read(path: str | Path) -> RunConfig:
    """Return the configuration in a file; ConfigError tells every mistake, with its path."""
    path = Path(path)
    _check_kind(path)
    raw = door.read(path)
    config, mistakes = _decoded(raw, str(path))
    # Beside other mistakes what the plugins have to say, as far as they can be asked.
    settle([*mistakes, *_wrong_plugins(raw, path.parent)] if mistakes else [], str(path))
    return check_plugins(cast(RunConfig, config), str(path), path.parent)


def _check_kind(path: Path) -> None:
    """Raise ConfigError where a path is not that of a configuration, but of a strategy or of data."""
    name, suffix = str(path), path.suffix.lower()
    if suffix == ".py" or (not path.exists() and (name in names("strategy") or ":" in name)):
        kind = f"{name}:NAME" if suffix == ".py" and ":" not in name else name
        raise ConfigError(
            f"{name} is a strategy{'' if suffix != '.py' else ' (Python)'}, and what is read is a YAML file, "
            f'which names it: strategies: {{mine: {{kind: "{kind}"}}}}; from Python: run("{kind}")'
        )
    if suffix in (".csv", ".tsv", ".parquet"):
        source = "parquet" if suffix == ".parquet" else "csv"
        raise ConfigError(
            f"{name} is data, and what is read is a YAML file, which names it: data: {{source: {source}, "
            f'params: {{path: "{name}"}}}}; flotilla data {name} shows what is in it'
        )


def decode(raw: Any, file: str = "configuration") -> RunConfig:
    """Return plain values as a RunConfig, checked but for the plugins' own parameters."""
    config, mistakes = _decoded(raw, file)
    settle(mistakes, file)
    return cast(RunConfig, config)  # without a mistake it was decoded


def _decoded(raw: Any, file: str) -> tuple[RunConfig | None, list[str]]:
    numbers, reader = wrong_values(raw, file), Door()
    raw, misplaced = without_headings(raw)
    raw, odd = _with_names(raw)
    config = reader.struct(RunConfig, raw, "$")
    if config is not None:
        reader.mistakes += [*_wrong_names(config), *_wrong_dates(config)]
        reader.mistakes += [*_wrong_sizes(config), *_wrong_sweep(config)]
    return config, [*misplaced, *reader.mistakes, *odd, *numbers]


def _wrong_plugins(raw: Any, folder: Path) -> Iterator[str]:
    """Yield what plugins say of a file with other mistakes: of each strategy that can be read by itself."""
    whole = raw if isinstance(raw, dict) else {}
    told, swept = whole.get("strategies"), whole.get("sweep")
    axes = [str(key) for key in swept] if isinstance(swept, dict) else []
    for name, each in told.items() if isinstance(told, dict) else ():
        strategy = Door().struct(StrategyConfig, each, "")
        if strategy is None:
            continue
        try:
            find("strategy", strategy.kind, folder)
            if not any(key.startswith(f"{name}.") for key in axes):  # else it may lack what is swept
                _taken("strategy", strategy.kind, strategy.params, {}, folder)
        except ConfigError as error:
            yield f"$.strategies.{name}: {error}"


def check_plugins(config: RunConfig, file: str = "configuration", folder: Path | None = None) -> RunConfig:
    """Return the configuration with its parameters as the plugins take them: 10.0 as 10 for an int.

    ConfigError unless the source and the strategies are there and take their parameters. folder: where the
    user's own files are looked for first.
    """
    mistakes: list[str] = []
    strategies, sweep = dict(config.strategies), dict(config.sweep)
    for name, strategy in config.strategies.items():
        axes = {
            key.removeprefix(f"{name}."): values
            for key, values in config.axes().items()
            if key.startswith(f"{name}.") and key != f"{name}.weight"
        }
        try:
            params, taken = _taken("strategy", strategy.kind, strategy.params, axes, folder)
        except ConfigError as error:
            mistakes.append(f"$.strategies.{name}: {error}")
            continue
        mistakes += _two_meanings(config, name, folder)
        strategies[name] = msgspec.structs.replace(strategy, params=params)
        changed = {key: values for key, values in taken.items() if repr(values) != repr(axes[key])}
        sweep |= {f"{name}.{key}": values for key, values in changed.items()}
    data = config.data
    try:
        data = msgspec.structs.replace(data, params=_taken("source", data.source, data.params, {}, folder)[0])
    except ConfigError as error:
        mistakes.append(f"$.data: {error}")
    settle(mistakes, file)
    return msgspec.structs.replace(config, strategies=strategies, sweep=sweep, data=data)


def check_keywords(config: RunConfig, terms: Iterable[str], folder: Path | None = None) -> None:
    """Raise ConfigError where a keyword is a term of the portfolio and could as well mean a parameter.

    terms: the keywords that were taken as terms. Who gives the strategy's parameter, too, knows them apart.
    """
    for name, strategy in config.strategies.items():
        there = parameters(find("strategy", strategy.kind, folder))
        for term in terms:
            if term in there and term not in strategy.params and f"{name}.{term}" not in config.sweep:
                raise ConfigError(
                    f"{term} is a term of the portfolio, and a parameter of {strategy.kind}: if you mean the "
                    f"parameter write params={{'{term}': ...}}; if the portfolio, give that beside it"
                )


def parameters_of(config: RunConfig, folder: Path | None = None) -> dict[str, set[str]]:
    """Return the parameters that each strategy takes: name -> their names."""
    return {
        name: {*parameters(find("strategy", strategy.kind, folder))}
        for name, strategy in config.strategies.items()
    }


def at(config: RunConfig, values: Mapping[str, Scalar]) -> RunConfig:
    """Return the configuration of one portfolio of the sweep. values: one for each of its keys."""
    raw = as_dict(config) | {"sweep": {}}
    for key, value in values.items():
        owner, _, name = key.partition(".")
        if owner == "portfolio" and name in RESTORING:
            told = raw["portfolio"]["rebalance"]
            whole = told if isinstance(told, dict) else {"every": told}
            raw["portfolio"]["rebalance"] = whole | {name.partition(".")[2]: value}
        elif owner == "portfolio":
            raw["portfolio"][name] = value
        elif name == "weight":
            raw["strategies"][owner]["weight"] = value
        else:
            raw["strategies"][owner]["params"][name] = value
    return decode(raw)


def as_dict(config: RunConfig) -> dict[str, Any]:
    """Return a configuration as plain values, every default written out, in the struct's order."""
    try:
        raw: dict[str, Any] = msgspec.to_builtins(config)
    except TypeError as error:
        raise ConfigError(f"{config.name} holds what no file can: {error}") from error
    return raw


def to_yaml(config: RunConfig) -> str:
    """Return a configuration as a file that `read` reads back to an equal one."""
    return door.to_yaml(as_dict(config))


def _with_names(raw: Any) -> tuple[Any, list[str]]:
    """Return plain values with whole numbers among the instruments as names, and what cannot be one.

    600519 is a code of an exchange; what YAML reads as 1.5 or true is not as it was written any more.
    """
    data = raw.get("data") if isinstance(raw, dict) else None
    names = data.get("instruments") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(names, list | tuple):
        return raw, []
    whole = [str(name) if type(name) is int and name >= 0 else name for name in names]
    odd = [
        f'$.data.instruments[{n}]: YAML reads it as {cut(name)}: quote the name, as "600519"'
        for n, name in enumerate(whole)
        if not isinstance(name, str)
    ]
    return raw | {"data": data | {"instruments": [str(name) for name in whole]}}, odd


def _two_meanings(config: RunConfig, name: str, folder: Path | None) -> Iterator[str]:
    """Yield what is wrong where a strategy has a parameter of its own that is called weight."""
    strategy, key = config.strategies[name], f"{name}.weight"
    if "weight" not in parameters(find("strategy", strategy.kind, folder)):
        return
    if key in config.sweep:
        yield (
            f"$.sweep.{key}: this is its weight in the mean of all strategies, and {strategy.kind} has a "
            "parameter called weight, too: call the parameter something else to sweep either"
        )
    elif strategy.weight != StrategyConfig("").weight and "weight" not in strategy.params:
        yield (
            f"$.strategies.{name}.weight: this is its weight in the mean of all strategies, and "
            f"{strategy.kind} has a parameter called weight, too: give that as params: {{weight: ...}}"
        )


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
    first, last, trades = config.data.start, config.data.end, config.portfolio.start
    if first and last and first >= last:
        yield f"$.data.end: {last} is not after the start, {first}"
    if trades and ((first and trades < first) or (last and trades > last)):
        yield f"$.portfolio.start: {trades} is outside {first or '...'} to {last or '...'}"


def _wrong_sizes(config: RunConfig) -> Iterator[str]:
    numbers = {f"portfolio.{name}": value for name, value in msgspec.structs.asdict(config.portfolio).items()}
    numbers |= {f"strategies.{name}.weight": strategy.weight for name, strategy in config.strategies.items()}
    for where, value in numbers.items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        yield from (f"$.{where}{'.' * bool(k)}{k}: {x} {TOO_SMALL}" for k, x in parts if too_small(x))
    yield from _wrong_bands(config)


def _wrong_bands(config: RunConfig) -> Iterator[str]:
    told, axes = rebalance_of(config.portfolio.rebalance), config.sweep
    if "portfolio.rebalance" in axes and axes.keys() & {f"portfolio.{part}" for part in RESTORING}:
        yield "$.sweep.portfolio.rebalance: beside its parts, sweep the word as portfolio.rebalance.every"
    every = axes.get("portfolio.rebalance.every", (told.every,))
    banded = told.band > 0.0 or "portfolio.rebalance.band" in axes
    if banded and not isinstance(every, Steps) and "change" in every:
        yield (
            "$.portfolio.rebalance.band: with every: change no drift is looked at; "
            "say every: bar, or day, week, month"
        )


def too_small(value: Any) -> bool:
    """Say whether a value is a number so small that it was hardly meant."""
    return isinstance(value, int | float) and 0.0 < abs(value) < LEAST


def _wrong_sweep(config: RunConfig) -> Iterator[str]:
    fields = {key: field.type for key, field in fields_of(PortfolioConfig).items()} | RESTORING
    weights = {name: [strategy.weight] for name, strategy in config.strategies.items()}
    for key, axis in config.sweep.items():
        where, (owner, _, name) = f"$.sweep.{key}", key.partition(".")
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


def _taken(
    kind: str,
    name: str,
    params: Mapping[str, Any],
    axes: Mapping[str, Sequence[Scalar]],
    folder: Path | None,
) -> tuple[dict[str, Any], dict[str, tuple[Scalar, ...]]]:
    """Return a plugin's parameters and their swept values as it takes them."""
    target = find(kind, name, folder)
    # A parameter that is only swept is given all the same: its first value stands for all here.
    given = check_params(
        target, {key: values[0] for key, values in axes.items()} | dict(params), called(name)
    )
    there = parameters(target)
    return {key: given[key] for key in params}, {
        key: tuple(
            check_value(there[key], value, called(name)) if key in there else value for value in values
        )
        for key, values in axes.items()
    }
