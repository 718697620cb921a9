"""The chain behind an order, as values: what it was made of, and what it became."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from flotilla.model.records import Fill, Order
from flotilla.portfolio.trace import Latch, Purchase, Weighing
from flotilla.words import counted


class Feature(NamedTuple):
    """One step of a strategy's arithmetic, as an expression, and what it came to."""

    text: str
    value: float


class StrategySignal(NamedTuple):
    """What a strategy said last, and what it was looking at."""

    signal_id: str
    strategy: str
    bar: int
    strength: float
    features: list[Feature]
    share: float  # the strategy's weight in the configuration
    part: float  # of the mean that was heeded, [0, 1]; 0 where it was silent then


class Heeded(NamedTuple):
    """A risk decision that stood."""

    decision_id: str
    model: str
    instrument: str  # the pattern that it is for
    ts_recv: int  # from when on it could be known, ns UTC
    scale: float
    cap: float
    reason: str


class RestoredWeight(NamedTuple):
    """A holding that was brought back to its weight, though the weight had not changed."""

    every: str  # of `rebalance`: on which bars it is looked at
    band: float  # how far it may drift, fraction of equity
    held: float  # what it weighed at that close, fraction of equity


class Why(NamedTuple):
    """The chain behind one order."""

    order: Order
    fills: list[Fill]
    decided_on: dict[str, float]  # the bar at whose close it was decided
    filled_on: dict[str, float]  # the bar that it filled on; empty while there is none
    signals: list[StrategySignal]
    weighing: Weighing
    decisions: list[Heeded]
    latch: Latch | None  # None: no drawdown limit was hit
    purchase: Purchase | None  # None: not a buy, or its bar has not come
    terms: dict[str, Any]  # the portfolio's
    zone: str  # of the data's days
    bar_ns: int  # from the beginning of the bar that it was decided on to its end
    restored: RestoredWeight | None = None  # None: its weight had changed

    def __repr__(self) -> str:
        """Return a line for a notebook: `lines` has it all."""
        o = self.order
        return f"Why({o.order_id}: {o.quantity:,.6g} {o.instrument}, {counted(len(self.signals), 'signal')})"

    def as_dict(self) -> dict[str, Any]:
        """Return the chain as plain values."""
        plain: dict[str, Any] = msgspec.to_builtins(_named(self))
        return plain


def _named(value: Any) -> Any:
    """Return tuples with names as dicts, at any depth."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _named(part) for name, part in value._asdict().items()}
    return [_named(part) for part in value] if isinstance(value, list) else value
