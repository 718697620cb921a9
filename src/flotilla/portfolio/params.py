"""What a portfolio was told, from the units that people write (bps, dates) to those of the kernel."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np

from flotilla.errors import ConfigError, nearest
from flotilla.kernel.records import Param
from flotilla.model.arrays import Floats
from flotilla.model.terms import TERMS, PortfolioConfig
from flotilla.portfolio.rebalance import rebalance_of

BPS = 1e-4
DIGITS = 15  # that a float64 tells apart, whatever they are
ROUNDING = 2.0**-40  # of equity: a calendar leaves what has drifted by less, or it would trade 1e-12 units


def params_of(
    config: PortfolioConfig,
    instruments: int,
    portfolios: int = 1,
    swept: Mapping[str, Any] | None = None,
) -> Floats:
    """Return the parameters of P portfolios, float64[K, P], as `Param` orders them.

    swept: terms in which they differ, by name, P values each. An allocation of None is an equal part for each
    instrument, and one by instrument is in `allocation_parts`; a drawdown limit of None is none. The band is
    of `rebalance`, or "rebalance.band" where that is swept.
    """
    told = rebalance_of(config.rebalance)
    values = {**msgspec.structs.asdict(config), "band": told.band, **(swept or {})}
    if isinstance(values["allocation"], Mapping):
        values["allocation"] = 1.0
    missing = {"allocation": 1.0 / instruments, "max_drawdown": np.inf}

    def column(name: str) -> Floats:
        unit = BPS if name in TERMS and TERMS[name].unit == "bps" else 1.0
        given = np.ravel(values[name]).tolist()
        numbers = np.array([missing[name] if value is None else value for value in given], np.float64) * unit
        return np.ascontiguousarray(np.broadcast_to(numbers, portfolios))

    named = {name: f"{name}_bps" if f"{name}_bps" in TERMS else name for name in Param._fields}
    columns = {name: column(term) for name, term in named.items() if term in values}
    columns["lot"], columns["per"] = lots_of(columns["lot"])
    if "rebalance.band" in values:
        columns["band"] = column("rebalance.band")
    columns["band"] = np.maximum(columns["band"], 0.0 if told.every in ("change", "bar") else ROUNDING)
    return np.stack([columns[name] for name in Param._fields])


def lots_of(lots: Floats) -> tuple[Floats, Floats]:
    """Return lots as two whole numbers each, a lot their quotient: 0.025 as 25 / 1000. float64[P] all."""
    sizes, which = np.unique(lots, return_inverse=True)
    pairs = np.array([_lot(Decimal(repr(size))) for size in sizes.tolist()])
    return np.ascontiguousarray(pairs[which, 0]), np.ascontiguousarray(pairs[which, 1])


def _lot(size: Decimal) -> tuple[float, float]:
    _, digits, exponent = size.normalize().as_tuple()
    if not isinstance(exponent, int) or exponent >= 0 or len(digits) > DIGITS or -exponent > DIGITS:
        return float(size), 1.0  # it is whole, or it is no decimal that anybody wrote
    return float(size.scaleb(-exponent)), 10.0**-exponent


def allocation_parts(allocation: Any, instruments: Sequence[str]) -> Floats:
    """Return what each instrument gets of an allocation: float64[I], 1 unless it is told by instrument.

    ConfigError unless every instrument is told of, and nothing else.
    """
    if not isinstance(allocation, Mapping):
        return np.ones(len(instruments))
    where = "$.portfolio.allocation"
    for name in allocation:
        if name not in instruments:
            raise ConfigError(f"{where}: the data has no {name!r}{nearest(name, instruments)}")
    if silent := [name for name in instruments if name not in allocation]:
        raise ConfigError(f"{where}: say what {', '.join(silent)} may weigh, too: 0 for nothing")
    return np.array([allocation[name] for name in instruments], np.float64)
