"""Values that no market makes: which rows hold one, by what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from flotilla.model.arrays import Flags, Floats
from flotilla.stream.bars.draft import PRICES

# Nearly all volumes whole: a few that are not are a mistake. Coins trade in fractions, and then most are.
WHOLE = 0.95


def not_positive(fields: Mapping[str, Floats]) -> Flags:
    """Say where a price is zero or below, bool[N]. fields: name -> float64[N]."""
    return _any([values <= 0 for name, values in fields.items() if name in PRICES], fields)


def infinite(fields: Mapping[str, Floats]) -> Flags:
    """Say where a value is infinite, bool[N]."""
    return _any([np.isinf(values) for values in fields.values()], fields)


def without_price(fields: Mapping[str, Floats]) -> Flags:
    """Say where a price is not published, bool[N]."""
    return _any([np.isnan(values) for name, values in fields.items() if name in PRICES], fields)


def without_any_price(fields: Mapping[str, Floats]) -> Flags:
    """Say where no price is published at all, bool[N]."""
    prices = [np.isnan(values) for name, values in fields.items() if name in PRICES]
    return np.asarray(np.logical_and.reduce(prices))


def inconsistent(fields: Mapping[str, Floats]) -> Flags:
    """Say where low <= open, close <= high does not hold, bool[N]; not where a price is missing."""
    close = fields["close"]
    body = [fields.get("open", close), close]
    top, bottom = np.fmax(*body), np.fmin(*body)
    high, low = fields.get("high", top), fields.get("low", bottom)
    return np.asarray((high < top) | (low > bottom) | (low > high))


def swapped(fields: Mapping[str, Floats]) -> int:
    """Return in how many rows high and low would be right if they were exchanged, and are not as they are."""
    if not {"high", "low"} <= fields.keys():
        return 0
    exchanged = {**fields, "high": fields["low"], "low": fields["high"]}
    return int((inconsistent(fields) & ~inconsistent(exchanged)).sum())


def fractional(volume: Floats) -> Flags:
    """Say where a volume is no whole number though nearly all others are, bool[N]."""
    known = np.isfinite(volume)
    part = known & (np.rint(volume) != volume)
    odd = 0 < part.sum() <= (1 - WHOLE) * max(known.sum(), 1)
    return part if odd else np.zeros(len(volume), np.bool_)


def overflowing(volume: Floats) -> Flags:
    """Say where a volume has no place in 64 bits, bool[N]."""
    return np.asarray(volume >= 2.0**63)


def _any(masks: list[Flags], fields: Mapping[str, Floats]) -> Flags:
    if masks:
        return np.asarray(np.logical_or.reduce(masks))
    return np.zeros(len(next(iter(fields.values()))), np.bool_)
