"""One portfolio out of a configuration, under a name of its own.

The name is the portfolio's id, which stands in every order: so portfolio 1241 of the sweep `cross` is called
`cross-1241`, the portfolio `careful` of the file `book` is called `book-careful`, and from another day on it
is another portfolio, `cross-1241-20201229`.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from flotilla.config import RunConfig, at
from flotilla.door import NAME
from flotilla.errors import ConfigError, UnknownName
from flotilla.research.grid import grid_of
from flotilla.words import counted, cut

HOW = "--portfolio, or portfolio= in Python"


def one_of(config: RunConfig, portfolio: int | str | None) -> RunConfig:
    """Return the configuration of one portfolio: by its number in a sweep, or by its name among several.

    None: there is but one. ConfigError, or UnknownName, where there is none of that name or number.
    """
    if config.portfolios:
        return _of_several(config, portfolio)
    if not config.sweep:
        if portfolio is not None:
            raise ConfigError(f"portfolio {cut(portfolio)}: {config.name} has one alone, so leave it out")
        return config
    grid = grid_of(config, None)
    if portfolio is None:
        raise ConfigError(
            f"{config.name} sweeps {counted(grid.size, 'portfolio')}: name one ({HOW}) by its number in "
            "`flotilla sweep`"
        )
    if not isinstance(portfolio, int) or not 0 <= portfolio < grid.size:
        raise ConfigError(f"portfolio {cut(portfolio)}: the sweep of {config.name} has 0 to {grid.size - 1}")
    return _named(at(config, grid.values(portfolio)), f"{config.name}-{portfolio}")


def each_of(config: RunConfig, portfolio: int | str | None) -> list[RunConfig]:
    """Return the configurations of all portfolios of a file of several, or of the one that is asked for."""
    if config.portfolios and portfolio is None:
        return [*config.each().values()]
    return [one_of(config, portfolio)]


def trading_from(config: RunConfig, start: date | None) -> RunConfig:
    """Return the configuration whose portfolios begin on day `start`; None: as they say themselves."""
    if start is None:
        return config

    def later(terms: Any) -> Any:
        return msgspec.structs.replace(terms, start=start)

    config = msgspec.structs.replace(
        config,
        portfolio=later(config.portfolio),
        portfolios={name: later(terms) for name, terms in config.portfolios.items()},
    )
    return _named(config, f"{config.name}-{start:%Y%m%d}")


def _of_several(config: RunConfig, portfolio: int | str | None) -> RunConfig:
    named = dict(zip(config.portfolios, config.each().values(), strict=True))
    if portfolio is None:
        raise ConfigError(
            f"this is of one portfolio, and {config.name} has {', '.join(named)}: name it ({HOW})"
        )
    if portfolio not in named:
        raise UnknownName(f"portfolio of {config.name}", str(portfolio), named)
    return named[str(portfolio)]


def _named(config: RunConfig, name: str) -> RunConfig:
    longest = max([name, *(f"{name}-{portfolio}" for portfolio in config.portfolios)], key=len)
    if not NAME.fullmatch(longest):
        raise ConfigError(f"$.name: {longest!r} is longer than 32 letters: the file needs a shorter name")
    return msgspec.structs.replace(config, name=name)
