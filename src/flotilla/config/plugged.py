"""Whether plugins are there, and take the parameters that a file gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from flotilla.config.study import RunConfig, Scalar, StrategyConfig
from flotilla.door import Door, raise_if_any
from flotilla.errors import ConfigError
from flotilla.plugins import called, check_params, check_value, find, parameters


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
    raise_if_any(mistakes, file)
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


def wrong_plugins(raw: Any, folder: Path) -> Iterator[str]:
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
