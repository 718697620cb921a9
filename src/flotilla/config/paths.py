"""Dotted paths of what can be varied: cross.fast, cross.weight, portfolio.fee_bps, with parts of a term."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from flotilla.model.terms import Band, Every

RESTORING = {"rebalance.every": Every, "rebalance.band": Band}  # parts of a key that can be swept


class DottedPath(NamedTuple):
    """Whose it is, a strategy's or the portfolio's, and its name there."""

    owner: str
    name: str

    @property
    def of_portfolio(self) -> bool:
        """Return whether it is a term of the portfolio."""
        return self.owner == "portfolio"


def split_path(key: str) -> DottedPath:
    """Return a path in its two parts; the name is "" where there is one part alone."""
    owner, _, name = key.partition(".")
    return DottedPath(owner, name)


def of_owner(keys: Iterable[str], owner: str) -> dict[str, str]:
    """Return the keys of one owner: name -> key."""
    return {split_path(key).name: key for key in keys if split_path(key).owner == owner}


def put(raw: dict[str, Any], key: str, value: Any) -> None:
    """Set what a path names in a configuration's plain values, every default written out."""
    path = split_path(key)
    if path.of_portfolio and path.name in RESTORING:
        told = raw["portfolio"]["rebalance"]
        whole = told if isinstance(told, dict) else {"every": told}
        raw["portfolio"]["rebalance"] = whole | {split_path(path.name).name: value}
    elif path.of_portfolio:
        raw["portfolio"][path.name] = value
    elif path.name == "weight":
        raw["strategies"][path.owner]["weight"] = value
    else:
        raw["strategies"][path.owner]["params"][path.name] = value
