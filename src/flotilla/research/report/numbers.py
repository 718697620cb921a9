"""Numbers as a reader wants them: money, percentages, ratios, counts and dates.

NaN and infinity are "n/a": a number that is not there must not look like one. Minus is the real minus sign,
so that columns of figures line up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from flotilla.model.measures import Unit

MISSING = "n/a"
_STEPS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
_SIGN = {"percent": "%", "times": "×", "days": " days"}
ABSURD = 1e15  # from here on a figure is written as a power of ten, so that a table keeps its columns
_BOUND = "\u00a0"  # a space at which no line breaks


def shown(value: float, unit: Unit) -> str:
    """Return `value` in words of its unit.

    >>> shown(30290962.9, "money"), shown(0.1089, "percent"), shown(-0.5, "ratio"), shown(math.nan, "count")
    ('30,290,963', '10.9%', '−0.50', 'n/a')
    """
    if not math.isfinite(value):
        return MISSING
    if unit == "percent":
        return percent(value)
    sign = _SIGN.get(unit, "")
    if abs(value) >= ABSURD:
        return _power(value) + sign
    if unit == "money":
        return minus(f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}")
    if unit == "count":
        return minus(f"{value:,.0f}")
    return minus(f"{value:,.{1 if unit == 'days' else 2}f}") + sign


def percent(value: float, digits: int = 1, signed: bool = False) -> str:
    """Return a fraction as a percentage.

    >>> percent(0.1234), percent(-0.02, 0), percent(0.05, signed=True), percent(1e84)
    ('12.3%', '−2%', '+5.0%', '1e86%')
    """
    if not math.isfinite(value):
        return MISSING
    if abs(value) >= ABSURD / 1e9:
        return ("+" if signed and value > 0 else "") + _power(100.0 * value) + "%"
    return minus(f"{value:+,.{digits}%}" if signed else f"{value:,.{digits}%}")


def compact(value: float) -> str:
    """Return a large number in three or four characters, for axes.

    >>> " ".join(compact(value) for value in (30_290_963.0, 500_000.0, -2e6, 0.25)).split()
    ['30.3', 'M', '500', 'k', '−2', 'M', '0.25']
    """
    if not math.isfinite(value):
        return MISSING
    for size, letter in _STEPS:
        if abs(value) >= size:
            return minus(f"{value / size:.3g}") + _BOUND + letter
    return minus(f"{value:.4g}")


def aligned(values: Sequence[float], unit: Unit) -> list[str]:
    """Return round values with as many decimals as the finest of them needs, for an axis.

    >>> aligned([0.9, 0.95, 1.0], "ratio"), aligned([0.1, 0.2], "percent")
    (['0.90', '0.95', '1.00'], ['10%', '20%'])
    """
    scaled = [100.0 * value if unit == "percent" else value for value in values]
    if unit == "money":
        return [compact(value) for value in scaled]
    digits = next((d for d in range(9) if all(abs(round(v, d) - v) < 1e-9 for v in scaled)), 9)
    return [minus(f"{value:,.{digits}f}") + _SIGN.get(unit, "") for value in scaled]


def setting(value: object) -> str:
    """Return a parameter's value as its author would write it.

    >>> setting(20.0), setting(True), setting(None), setting("open")
    ('20', 'yes', 'none', 'open')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return f"{value:.10g}"
    return str(value)


def spelled_day(ts: int) -> str:
    """Return the date, UTC, of `ts`, ns since 1970.

    >>> spelled_day(0)
    '1970-01-01'
    """
    return str(np.datetime64(ts, "ns").astype("datetime64[D]"))


def moment(ts: int) -> str:
    """Return the date and time, UTC, of `ts`; the date alone at midnight.

    >>> moment(0), moment(90_000_000_000)
    ('1970-01-01', '1970-01-01 00:01:30')
    """
    second = str(np.datetime64(ts, "ns").astype("datetime64[s]")).replace("T", " ")
    return second.removesuffix(" 00:00:00")


def in_years(span: int) -> float:
    """Return nanoseconds as years of 365.25 days."""
    return span / (365.25 * 86_400e9)


def _power(value: float) -> str:
    """Return a figure as its first digits and the power of ten.

    >>> _power(1.234e30), _power(-1e86)
    ('1.2e30', '−1e86')
    """
    digits, _, power = f"{value:.1e}".partition("e")
    return minus(f"{digits.removesuffix('.0')}e{int(power)}")


def minus(digits: str) -> str:
    """Return `digits` with the minus sign, and none before a zero that was rounded."""
    if digits.startswith("-") and not any(c in "123456789" for c in digits):
        return digits[1:]
    return digits.replace("-", "\u2212")
