"""One portfolio out of a configuration, under a name of its own.

The name is the portfolio's id, which stands in every order: so portfolio 1241 of the sweep `cross` is called
`cross-1241`, and from another day on it is another portfolio, `cross-1241-20201229`.
"""

from __future__ import annotations

from datetime import date

import msgspec

from flotilla.config import RunConfig, at
from flotilla.door import NAME
from flotilla.errors import ConfigError
from flotilla.research.grid import grid_of
from flotilla.words import counted


def one_of(config: RunConfig, portfolio: int | None) -> RunConfig:
    """Return the configuration of one portfolio, by its number in the sweep; None: there is no sweep."""
    if not config.sweep:
        if portfolio is not None:
            raise ConfigError(f"--portfolio {portfolio}: {config.name} has no sweep, so leave it out")
        return config
    grid = grid_of(config, None)
    if portfolio is None:
        raise ConfigError(
            f"{config.name} sweeps {counted(grid.size, 'portfolio')}: name one with --portfolio, "
            "by its number in `flotilla sweep`"
        )
    if not 0 <= portfolio < grid.size:
        raise ConfigError(f"--portfolio {portfolio}: the sweep of {config.name} has 0 to {grid.size - 1}")
    return _named(at(config, grid.values(portfolio)), f"{config.name}-{portfolio}")


def trading_from(config: RunConfig, start: date | None) -> RunConfig:
    """Return the configuration of a portfolio that begins on day `start`; None: as it says itself."""
    if start is None:
        return config
    terms = msgspec.structs.replace(config.portfolio, start=start)
    return _named(msgspec.structs.replace(config, portfolio=terms), f"{config.name}-{start:%Y%m%d}")


def _named(config: RunConfig, name: str) -> RunConfig:
    if not NAME.fullmatch(name):
        raise ConfigError(f"$.name: {name!r} is longer than 32 letters: the sweep needs a shorter name")
    return msgspec.structs.replace(config, name=name)
