"""A configuration from Python: for a notebook, where the data is a frame and the strategy a function.

study = configure(my_strategy, params={"n": 20}, fee_bps=5)
run(study, panel=panel_of_frame)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from flotilla.config import RunConfig, check_keywords, check_plugins, decode
from flotilla.errors import ConfigError
from flotilla.model.panel import Panel
from flotilla.plugins import check_params, find
from flotilla.words import cut


def panel_from(frame: Any, **options: Any) -> Panel:
    """Return the bars of a pandas or polars frame, long or wide, or of a dict of wide ones by field.

    ConfigError where an option is not one of the source `frame`, with the nearest.
    """
    source = find("source", "frame")
    panel: Panel = source(**check_params(source, {"data": frame, **options}, "frame")).panel(None, None, None)
    return panel


def configure(
    strategy: str | Callable[..., Any],
    *,
    params: Mapping[str, Any] | None = None,
    sweep: Mapping[str, Any] | None = None,
    name: str = "study",
    rank_by: str = "sharpe",
    data: Mapping[str, Any] | None = None,
    **portfolio: Any,
) -> RunConfig:
    """Return the configuration of one strategy, checked as a file's would be.

    strategy: a plugin's name, "my_file:thing", or the function or class itself. sweep: parameter -> its
    values; those of the portfolio are written "portfolio.fee_bps". portfolio: its terms, as fee_bps=5.
    """
    kind = strategy if isinstance(strategy, str) else _named(strategy)
    for word, given in (("params", params), ("sweep", sweep), ("data", data)):
        if not isinstance(given, Mapping | None):
            raise ConfigError(f"{word} should be names and values, as {{'n': 20}}, it is {cut(given)}")
    axes = {
        key if "." in key else f"strategy.{key}": _plain(key, values) for key, values in (sweep or {}).items()
    }
    config = decode(
        {
            "name": name,
            "data": dict(data or {}),
            "strategies": {"strategy": {"kind": kind, "params": dict(params or {})}},
            "portfolio": portfolio,
            "sweep": axes,
            "rank_by": rank_by,
        }
    )
    check_keywords(config, portfolio)
    return check_plugins(config)


def _named(strategy: Callable[..., Any]) -> str:
    """Return "module:name" of a function or class; ConfigError if nothing can be found under it."""
    name = getattr(strategy, "__qualname__", None)
    if name is None or "<" in name:
        what = "a lambda" if name and name.endswith("<lambda>") else repr(strategy)
        raise ConfigError(
            f"{what} cannot be found again by its name: write the strategy with def, or as a class, "
            "at the top of a module or a cell"
        )
    return f"{strategy.__module__}:{name}"


def _plain(key: str, values: Any) -> Any:
    """Return a range, an array or a list as a list of plain values; a {from, to, step} as it is."""
    if isinstance(values, Mapping):
        return values
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise ConfigError(f"sweep of {key!r} needs a list of values, it is {cut(values)}")
    return [value.item() if isinstance(value, np.generic) else value for value in values]
