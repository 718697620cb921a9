"""Adjusted prices, where a vendor gives an adjusted close beside the close."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from flotilla.model.arrays import Floats

ADJUSTED_CLOSE = "adjusted close"  # what a draft calls that column until it is applied
_SPOKEN = re.compile(r"(?<!un)(?<!non)adj")
_CLOSE = re.compile(r"(close|closing|last|price|closeprice|closingprice|lastprice|px|c)?")


def speaks_of_it(name: str) -> bool:
    """Say whether a column's name speaks of an adjustment: not "closeunadj"."""
    return _SPOKEN.search(_letters(name)) is not None


def is_adjusted_close(name: str) -> bool:
    """Say whether a column is called as an adjusted close: Adj Close, closeadj, AdjustedPrice, adj."""
    rest = re.sub(r"adj(usted)?", "", _letters(name), count=1)
    return speaks_of_it(name) and _CLOSE.fullmatch(rest) is not None


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def adjusted(fields: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the fields with the adjusted close as close, and open, high and low scaled as it; float64[T, I].

    Without one they are as they were. A volume stays: vendors adjust it in ways of their own.
    """
    out = {name: values for name, values in fields.items() if name != ADJUSTED_CLOSE}
    if ADJUSTED_CLOSE not in fields:
        return out
    close = fields[ADJUSTED_CLOSE]
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = close / fields["close"]
    return {
        name: values * scale if name in ("open", "high", "low") else values for name, values in out.items()
    } | {"close": close}


def unread(source: str, close: str, column: str) -> str:
    """Return the remark where nothing was said about which close to take."""
    return (
        f"{source}: the column {close} is taken as it is, and {column} beside it is not read: returns leave "
        "dividends out. Say adjusted: true to take it, or adjusted: false if this is meant"
    )


def unknown(source: str, close: str, columns: Iterable[str]) -> str:
    """Return the remark where columns speak of an adjustment, and none is called as an adjusted close."""
    return (
        f"{source}: the column {close} is taken as it is, and {', '.join(columns)} beside it is not read: if "
        "it is the adjusted close, say columns: {adjusted: NAME} and adjusted: true; if not, adjusted: false"
    )
