"""What people type, as a file would hold it: NumPy's and pandas' numbers, days, lists and tables.

A configuration is plain values, so that it can be written down, named and run again elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from flotilla.config import RunConfig, parameters_of
from flotilla.config.headings import path_of
from flotilla.errors import ConfigError
from flotilla.model.measures import MEASURES
from flotilla.model.terms import HEADINGS
from flotilla.words import cut

_ALREADY = frozenset({bool, int, float, str, type(None)})  # most values of an axis: of ten thousand, all


def plain(value: Any) -> Any:
    """Return a value as a file would hold it.

    NumPy's and pandas' scalars are Python's own; a midnight is its day; arrays, ranges, Series and Index are
    lists. What is none of these is left as it is.
    """
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, np.generic | np.ndarray) and not value.ndim:
        return plain(value.item())
    if isinstance(value, datetime):  # pandas' Timestamp is one
        return _day(value)
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple | range | np.ndarray) or _is_column(value):
        return [part if type(part) in _ALREADY else plain(part) for part in value]
    return value


def _day(value: datetime) -> date:
    if (value.hour, value.minute, value.second, value.microsecond) != (0, 0, 0, 0):
        raise ConfigError(f"{value} is a time of the day; give its day, as {value.date()}")
    return value.date()


def _is_column(value: Any) -> bool:
    # By what it can do: to ask pandas or polars itself it would have to be imported.
    return hasattr(value, "to_list") and not isinstance(value, type)


def values_of(key: str, values: Any) -> Any:
    """Return an axis of a sweep: a list of plain values, or a {from, to, step} as it is."""
    found = plain(values)
    if isinstance(found, Mapping | list):
        return found
    raise ConfigError(f"sweep of {key!r} needs a list of values, it is {cut(values)}")


def key_of(key: str, config: RunConfig, folder: Path | None = None) -> str:
    """Return whose parameter a key is: "fast" of the one strategy that takes it, or of the portfolio."""
    if "." in key:
        return path_of(f"portfolio.{key}" if key.partition(".")[0] in HEADINGS else key)
    takes = parameters_of(config, folder)
    owners = [name for name, taken in takes.items() if key in taken]
    if len(owners) > 1:
        raise ConfigError(f"sweep of {key!r}: say which: {' or '.join(f'{name}.{key}' for name in owners)}")
    if owners:
        return f"{owners[0]}.{key}"
    terms = config.portfolio.__struct_fields__
    meant = get_close_matches(key, [*terms, *(each for taken in takes.values() for each in taken)], 1)
    if key in terms or (meant and meant[0] in terms):  # who is asked knows which name was meant
        return f"portfolio.{key}"
    return f"{next(iter(config.strategies))}.{key}"  # whoever takes no such parameter says so


def columns_of(portfolios: Any, config: RunConfig, folder: Path | None) -> dict[str, list[Any]]:
    """Return a list of portfolios as columns: key -> a value for each.

    portfolios: key -> values, a list of dicts, or a frame, as `best()` of another sweep, whose measures and
    numbers of portfolios are left out.
    """
    frame = portfolios.to_dict if callable(getattr(portfolios, "to_dict", None)) else None
    if frame is not None:
        portfolios = frame("list") if hasattr(portfolios, "iloc") else frame(as_series=False)
        portfolios = {k: v for k, v in portfolios.items() if k not in MEASURES and k != "portfolio"}
    elif isinstance(portfolios, Sequence) and not isinstance(portfolios, str):
        portfolios = _transposed(portfolios)
    if not isinstance(portfolios, Mapping):
        raise ConfigError(
            f"portfolios should be a list of dicts, or keys and values; it is {cut(portfolios)}"
        )
    return {
        key_of(str(key), config, folder): list(values_of(key, values)) for key, values in portfolios.items()
    }


def _transposed(rows: Sequence[Any]) -> dict[str, list[Any]]:
    """Return dicts, one for each portfolio, as key -> values."""
    for n, row in enumerate(rows):
        if not isinstance(row, Mapping) or row.keys() != rows[0].keys():
            there = (
                f"the first has {', '.join(map(str, rows[0]))}"
                if isinstance(rows[0], Mapping)
                else "a dict each"
            )
            raise ConfigError(f"portfolios[{n}] is {cut(row)}: all need the same keys; {there}")
    return {key: [row[key] for row in rows] for key in (rows[0] if rows else ())}
