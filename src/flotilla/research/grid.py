"""The portfolios of a sweep, as columns: each parameter's value in each portfolio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.config import RunConfig, Scalar
from flotilla.config.paths import of_owner, split_path
from flotilla.errors import ConfigError
from flotilla.model.measures import RANKED
from flotilla.model.terms import TERMS

Column = NDArray[Any]
MOST = 10_000_000  # portfolios: a table of them is 2 GB
# Terms that portfolios of one pass share, and of the parts that can be swept of one its word.
SHARED = (*(name for name, term in TERMS.items() if term.shared), "rebalance.every")


class Grid(NamedTuple):
    """P portfolios. Their numbers, 0..P-1, count through the axes, the last one fastest."""

    axes: dict[str, tuple[Scalar, ...]]  # key of the sweep -> its values
    codes: dict[str, NDArray[np.int64]]  # key -> int64[P], which of its values

    @property
    def size(self) -> int:
        """Return P."""
        return len(next(iter(self.codes.values()))) if self.codes else 1

    def column(self, key: str) -> Column:
        """Return a key's value in each portfolio; numbers as numbers, anything else as objects."""
        values = self.axes[key]
        kinds = {*map(type, values)}
        if kinds <= {int, float}:
            return np.array(values, np.float64 if float in kinds else np.int64)[self.codes[key]]
        found: Column = np.array(values, object)[self.codes[key]]
        return found

    def values(self, k: int) -> dict[str, Scalar]:
        """Return the swept values of portfolio k."""
        return {key: values[self.codes[key][k]] for key, values in self.axes.items()}

    def of(self, owner: str) -> dict[str, str]:
        """Return the parameters that are swept of a strategy, or of the portfolio: name -> key."""
        return of_owner(self.axes, owner)


def grid_of(config: RunConfig, portfolios: Mapping[str, Sequence[Any]] | None) -> Grid:
    """Return the portfolios of a configuration: the product of its axes, or those that are listed.

    portfolios: key -> one value for each portfolio, in place of the configuration's own axes.
    """
    if portfolios is None:
        axes = config.axes()
        sizes = [len(values) for values in axes.values()]
        if (count := prod(sizes)) > MOST:
            raise ConfigError(
                f"$.sweep: {' x '.join(map(str, sizes))} values are {count:,} portfolios, and a sweep "
                f"has up to {MOST:,}: take larger steps, or sweep parts of it"
            )
        codes = np.indices(sizes, np.int64).reshape(len(sizes), -1) if sizes else np.zeros((0, 1), np.int64)
        return Grid(axes, dict(zip(axes, codes, strict=True)))
    lengths = {key: len(values) for key, values in portfolios.items()}
    if len(set(lengths.values())) != 1 or not next(iter(lengths.values())):
        raise ConfigError(f"the portfolios need one value each for every key; there are {lengths}")
    found = {key: _distinct(values) for key, values in portfolios.items()}
    return Grid(
        {key: axis for key, (axis, _) in found.items()}, {key: which for key, (_, which) in found.items()}
    )


def _distinct(values: Sequence[Any] | NDArray[Any]) -> tuple[tuple[Scalar, ...], NDArray[np.int64]]:
    """Return the distinct values, as Python's own, and which of them each is."""
    whole = np.asarray(values) if isinstance(values, np.ndarray) or set(map(type, values)) == {int} else None
    if whole is not None and whole.dtype.kind in "iu":
        axis, which = np.unique(whole, return_inverse=True)
        return tuple(axis.tolist()), which.astype(np.int64)
    plain = [v.item() if isinstance(v, np.generic) else v for v in values]
    ordered = _in_order(plain)
    places = {value: n for n, value in enumerate(ordered)}
    return ordered, np.array([places[v] for v in plain], np.int64)


def _in_order(values: Sequence[Scalar]) -> tuple[Scalar, ...]:
    """Return the distinct values; numbers in their order, for neighbours share features."""
    found = tuple(dict.fromkeys(values))
    numbers = [v for v in found if isinstance(v, int | float)]
    return tuple(sorted(numbers)) if len(numbers) == len(found) else found


def table_bytes(portfolios: int, axes: int) -> int:
    """Return what the portfolios of a sweep take as columns, and their measures, alone and in the table.

    Each axis is there as codes, as values and in the table; each measure as it is found, in the table, and in
    the one that is ranked.
    """
    return 8 * portfolios * (3 * axes + 3 * len(RANKED) + 3)


def families(grid: Grid) -> list[tuple[dict[str, Scalar], NDArray[np.int64]]]:
    """Return groups of portfolios that may share a pass: their shared terms, and their numbers in lane order.

    In lane order a portfolio's own terms change slowest, so that its neighbours look at neighbouring
    features.
    """
    shared = [key for name, key in grid.of("portfolio").items() if name in SHARED]
    numbers = np.arange(grid.size)
    keys = [key for key in grid.axes if not split_path(key).of_portfolio]
    terms = [key for key in grid.axes if split_path(key).of_portfolio and key not in shared]
    order = (
        np.lexsort([grid.codes[key] for key in reversed([*shared, *terms, *keys])]) if grid.axes else numbers
    )
    if not shared:
        return [({}, order)]
    stack = np.stack([grid.codes[key][order] for key in shared])
    edges = np.flatnonzero(np.any(np.diff(stack, axis=1) != 0, axis=0)) + 1
    groups = np.split(order, edges)
    return [({split_path(k).name: grid.axes[k][grid.codes[k][g[0]]] for k in shared}, g) for g in groups]


def period_of(grid: Grid, members: NDArray[np.int64]) -> int:
    """Return after how many neighbours in lane order the innermost swept parameter begins again."""
    keys = [key for key in grid.axes if not split_path(key).of_portfolio and len(grid.axes[key]) > 1]
    product = np.prod([len(values) for values in grid.axes.values()]) == grid.size
    return len(grid.axes[keys[-1]]) if keys and product else len(members)
