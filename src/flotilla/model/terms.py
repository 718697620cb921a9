"""What a portfolio is told: each term declared once, with its default and its range."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

Weight = Annotated[float, Meta(ge=0, le=1_000_000)]  # relative: a number beside others of its kind
Part = Annotated[float, Meta(ge=0, le=1_000)]  # of equity
Money = Annotated[float, Meta(ge=0, le=1e15)]  # beyond it a float64 has no cents
Every = Literal[
    "change", "bar", "day", "week", "month", "quarter", "year",
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    "month_end", "quarter_end", "year_end",
]  # fmt: skip
Band = Annotated[float, Meta(ge=0, le=1)]


class Rebalance(Struct, frozen=True, forbid_unknown_fields=True):
    """When holdings are brought back to their weights: on which bars, and how far they may have drifted."""

    every: Every = "bar"
    band: Band = 0.0  # fraction of equity: what has drifted less is left as it is


class PortfolioConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """How a portfolio trades. Money is in account currency, bps are of traded value."""

    cash: Annotated[float, Meta(gt=0, le=1e15)] = 1_000_000.0
    fee_bps: Annotated[float, Meta(ge=0, lt=10_000)] = 10.0
    slippage_bps: Annotated[float, Meta(ge=0, lt=10_000)] = 0.0
    lot: Annotated[float, Meta(ge=0, le=1e12)] = 0.0  # quantities are whole multiples of it; 0: any fraction
    # Weight of a signal of 1, of each instrument or of those that are named; None is 1 / instruments.
    allocation: Annotated[float, Meta(gt=0, le=1_000)] | dict[str, Part] | None = None
    cap: Part = 1.0  # largest |weight| of one instrument
    risk_tolerance: Weight = 1.0  # multiplies a risk model's scale; 0 never trades
    max_drawdown: Annotated[float, Meta(gt=0, le=1)] | None = None  # goes flat beyond it
    size_at: Literal["decision", "fill"] = "decision"
    fill_at: Literal["open", "close", "auto"] = "auto"  # auto: the open where the data have one
    rebalance: Every | Rebalance = "change"  # when holdings are brought back to their weights
    min_trade: Money = 0.0  # smaller orders are not sent, unless they sell all that is held
    start: date | None = None  # first day that may trade; earlier rows are warm-up
    decisions: str | None = None  # path of a table of risk decisions
