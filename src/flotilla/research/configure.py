"""A configuration from Python: for a notebook, where the data is a frame and the strategy a function.

study = configure(my_strategy, params={"n": 20}, fee_bps=5)
run(study, panel=panel_of_frame)
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from flotilla.config import DataConfig, RunConfig, check_keywords, check_plugins, decode
from flotilla.door import NAME
from flotilla.errors import ConfigError, UnknownName, nearest
from flotilla.model.panel import Panel
from flotilla.model.terms import HEADINGS, PortfolioConfig
from flotilla.plugins import called, check_params, find, parameters
from flotilla.research.given import name_of
from flotilla.research.plain import key_of, plain, values_of
from flotilla.stage import Node
from flotilla.stage.window import Stage
from flotilla.words import cut

_WORDS = (
    "params",
    "weights",
    "sweep",
    "name",
    "rank_by",
    "data",
    "folder",
    "panel",
    "store",
)  # of study and run
Strategy = str | Callable[..., Any] | Node | Stage


def panel_from(frame: Any, **options: Any) -> Panel:
    """Return the bars of a pandas or polars frame, long or wide, a Series, or a dict of wide frames by field.

    ConfigError where an option is not one of the source `frame`, with the nearest.
    """
    source = find("source", "frame")
    panel: Panel = source(**check_params(source, {"data": frame, **options}, "frame")).panel(None, None, None)
    return panel


def configure(
    strategy: Strategy | list[Any] | tuple[Any, ...] | Mapping[str, Any],
    params: Mapping[str, Any] | None = None,
    *,
    weights: Mapping[str, float] | None = None,
    sweep: Mapping[str, Any] | None = None,
    name: str = "study",
    rank_by: str = "sharpe",
    data: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    **portfolio: Any,
) -> RunConfig:
    """Return the configuration of one strategy, or of several, checked as a file's would be.

    strategy: a plugin's name, "my_file:thing", a function (also a lambda, or one with some parameters bound),
    a class, an expression; or several, as a list or a dict with their names. Each of them may be a pair of a
    strategy and its params. params: of one strategy; of several, name -> params. weights: name -> weight in
    the mean of all. sweep: parameter -> its values: "fast", or "name.fast", "portfolio.fee_bps". folder:
    where the user's own files are looked for first. portfolio: its terms, as fee_bps=5.
    """
    given: dict[str, Any] = {"params": params, "weights": weights, "sweep": sweep, "data": data}
    for word, told in given.items():
        if not isinstance(told, Mapping | None):
            bars = isinstance(told, Panel) or hasattr(told, "shape")
            more = "; bars are given to run and sweep: panel=panel_from(frame)" if bars else ""
            raise ConfigError(f"{word} should be names and values, as {{'n': 20}}, it is {cut(told)}{more}")
    strategies = {key: _one(each) for key, each in _each(strategy)}
    one = next(iter(strategies)) if len(strategies) == 1 and not isinstance(strategy, Mapping) else None
    for key, values in (params or {}).items() if one is None else [(one, params or {})]:
        _of(strategies, key, "params")["params"] |= plain(values)
    for key, weight in (weights or {}).items():
        _of(strategies, key, "weights")["weight"] = plain(weight)
    _check_terms(portfolio, strategies, folder)
    whole = {
        "name": name,
        "data": plain(data or {}),
        "strategies": strategies,
        "portfolio": plain(portfolio),
        "rank_by": rank_by,
    }
    fixed = decode(whole)
    axes = {key_of(str(key), fixed, folder): values_of(key, values) for key, values in (sweep or {}).items()}
    config = decode(whole | {"sweep": axes})
    check_keywords(config, portfolio, folder)
    return check_plugins(config, folder=folder)


def _check_terms(
    terms: Mapping[str, Any], strategies: Mapping[str, dict[str, Any]], folder: Path | None
) -> None:
    """Raise ConfigError where a keyword is no term of the portfolio, with what it may have been meant for."""
    known = (*PortfolioConfig.__struct_fields__, *HEADINGS)
    strange = {term: value for term, value in terms.items() if term not in known}
    kinds = [strategy["kind"] for strategy in strategies.values()] if strange else []
    takes = {
        called(kind).rpartition(":")[2]: list(parameters(find("strategy", kind, folder))) for kind in kinds
    }
    for term, value in strange.items():
        owners = [name for name, taken in takes.items() if term in taken]
        if owners:
            many = isinstance(plain(value), list)
            given = f"sweep={{'{term}': [...]}}" if many else f"params={{'{term}': {cut(value)}}}"
            raise ConfigError(f"{term} is a parameter of {owners[0]}: write {given}")
        if term in DataConfig.__struct_fields__:
            raise ConfigError(f"{term} is of the data: write data={{'{term}': {cut(value)}}}")
        if isinstance(value, Panel) or hasattr(value, "shape"):
            raise ConfigError(f"{term} is no keyword; bars are given as panel=panel_from(frame)")
        if term == "portfolio" and isinstance(value, Mapping):
            raise ConfigError("terms of the portfolio are keywords by themselves, as fee_bps=5")
        told = "; ".join(f"{name} takes {', '.join(taken) or 'none'}" for name, taken in takes.items())
        every = [*known, *_WORDS, *(each for taken in takes.values() for each in taken)]
        near = nearest(term, every)
        raise ConfigError(
            f"{term} is no parameter of a strategy and no term of the portfolio ({told})"
            f"{near if 'did you mean' in near else ''}"
        )


def _each(strategy: Any) -> Iterator[tuple[str, Any]]:
    """Yield strategies with their names: of a list, by what they are called."""
    if isinstance(strategy, Mapping):
        yield from ((str(key), each) for key, each in strategy.items())
    elif isinstance(strategy, list | tuple) and not _is_pair(strategy):
        used: set[str] = set()
        for each in strategy:
            plainly = _called(each[0] if _is_pair(each) else each)
            name, n = plainly, 1
            while name in used:
                n += 1
                name = f"{plainly[:28]}-{n}"
            used.add(name)
            yield name, each
    else:
        yield "strategy", strategy


def _is_pair(value: Any) -> bool:
    """Say whether this is a strategy and its params."""
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], Mapping)


def _called(strategy: Any) -> str:
    """Return a name for a strategy of a list: what it is called, in the letters that a file takes."""
    target = strategy.func if isinstance(strategy, partial) else strategy
    told = target.rpartition(":")[2] if isinstance(target, str) else getattr(target, "__name__", "")
    name = re.sub(r"[^a-z0-9_-]", "_", str(told).lower()).lstrip("_0123456789-")[:32]
    return name if NAME.fullmatch(name) and name not in ("portfolio", "lambda_") else "strategy"


def _one(strategy: Any) -> dict[str, Any]:
    """Return one strategy as its part of a file: kind and params."""
    if isinstance(strategy, Mapping):
        if "kind" not in strategy:
            raise ConfigError(f"a strategy should be a function, a name or a pair; it is {cut(strategy)}")
        return {
            **plain(strategy),
            "kind": _kind(strategy["kind"]),
            "params": plain(strategy.get("params", {})),
        }
    if _is_pair(strategy):
        inner = _one(strategy[0])
        return inner | {"params": inner["params"] | plain(strategy[1])}
    params: dict[str, Any] = {}
    while isinstance(strategy, partial):
        bound = inspect.signature(strategy.func).bind_partial(*strategy.args, **strategy.keywords)
        strategy, params = strategy.func, {**bound.arguments, **params}
    return {"kind": _kind(strategy), "params": plain(params)}


def _kind(strategy: Any) -> str:
    """Return the name under which a strategy is found again."""
    if isinstance(strategy, str):
        return strategy
    if isinstance(strategy, Node | Stage):
        return name_of(lambda: strategy)
    if not callable(strategy):
        raise ConfigError(
            f"a strategy is a function, a class, an expression or a name; it is {cut(strategy)}"
        )
    return name_of(strategy)


def _of(strategies: dict[str, dict[str, Any]], key: str, word: str) -> dict[str, Any]:
    if key not in strategies:
        raise UnknownName(f"strategy ({word})", str(key), strategies)
    return strategies[key]
