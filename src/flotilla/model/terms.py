"""What a portfolio is told: each term declared once, with its default, range, unit, title and words.

From here come a term's key in a file, its place among a sweep's axes, its column of parameters
(portfolio/params.py), its line among a report's assumptions and its row in the manual. Names are unique, so
a term's path is `portfolio.fee_bps` whatever it stands under.

    heading   terms of a kind, which a file may put under it: `costs: {fee_bps: 5}` is `fee_bps: 5`
    unit      that people write it in: "money" is account currency, "bps" 1e-4 of what is traded
    shared    portfolios of one pass share it, because it decides which code runs, or on which rows
    says      its sentence in a report, of {value}, {percent}, {money} or {hundredths} (of bps, in percent);
              of a choice one for each of its words
    unsaid    the sentence where it is None, or 0
"""

from datetime import date
from typing import Annotated, Literal, NamedTuple, get_args

import msgspec
from msgspec import Meta, Struct

Weight = Annotated[float, Meta(ge=0, le=1_000_000)]  # relative: a number beside others of its kind
Part = Annotated[float, Meta(ge=0, le=1_000)]  # of equity
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


class Term(NamedTuple):
    """What is said of a term besides its range and default."""

    name: str
    heading: str
    title: str
    words: str
    unit: str
    shared: bool
    says: str | dict[str, str]
    unsaid: str


def _term(
    heading: str,
    title: str,
    words: str,
    unit: str = "",
    shared: bool = False,
    says: str | dict[str, str] = "",
    unsaid: str = "",
) -> Meta:
    told = {"heading": heading, "unit": unit, "shared": shared, "says": says, "unsaid": unsaid}
    return Meta(title=title, description=words, extra=told)


class PortfolioConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """How a portfolio trades."""

    cash: Annotated[
        float,
        Meta(gt=0, le=1e15),
        _term(
            "account",
            "Cash",
            "what it begins with",
            "money",
            says="{money} to begin with. Nothing is paid in or out.",
        ),
    ] = 1_000_000.0
    start: Annotated[
        date | None,
        _term(
            "account",
            "First trading day",
            "first day that it trades; the rows before are history for its strategies. null is the first row",
            "date",
            shared=True,
            says="{value}. Earlier rows are history for the strategies to warm up on.",
            unsaid="The first row. A strategy that needs history is silent until it has it.",
        ),
    ] = None
    fee_bps: Annotated[
        float,
        Meta(ge=0, lt=10_000),
        _term(
            "costs",
            "Fees",
            "fee of each fill, taken from cash",
            "bps",
            says="{value} basis points ({hundredths}%) of the traded value, of what is bought and of what is "
            "sold, taken from cash at the fill.",
            unsaid="None.",
        ),
    ] = 10.0
    slippage_bps: Annotated[
        float,
        Meta(ge=0, lt=10_000),
        _term(
            "costs",
            "Slippage",
            "by how much each fill is worse than the price",
            "bps",
            says="Every fill is {value} basis points ({hundredths}%) worse than the price.",
            unsaid="None: an order gets exactly the price of its fill.",
        ),
    ] = 0.0
    allocation: Annotated[
        Annotated[float, Meta(gt=0, le=1_000)] | dict[str, Part] | None,
        _term(
            "sizing",
            "Weight of an instrument",
            "weight of a signal of 1 for one instrument, or of each by its name, as `{SPY: 0.6, TLT: 0.4}`: "
            "then all are to be named; null is 1 / instruments, whether or not all of them have prices yet",
            "fraction of equity",
            says="A signal of 1 for one instrument is worth {percent} of equity.",
        ),
    ] = None
    cap: Annotated[
        Part,
        _term(
            "sizing",
            "Largest weight",
            "largest weight of one instrument, at a decision",
            "fraction of equity",
            says="No instrument is given more than {percent} of equity at a decision; it may drift above.",
        ),
    ] = 1.0
    lot: Annotated[
        float,
        Meta(ge=0, le=1e12),
        _term(
            "sizing",
            "Lots",
            "quantities are whole multiples of it as it is written, rounded toward zero: 0.1 is a tenth, and "
            "0.3 are three; 0 is any fraction",
            "units",
            says="Whole lots of {value}, rounded toward zero.",
            unsaid="Fractions of a unit may be held, of any size.",
        ),
    ] = 0.0
    size_at: Annotated[
        Literal["decision", "fill"],
        _term(
            "sizing",
            "Sizing",
            "which price turns a weight into units: the close it was decided at, as live must, or that of "
            "the fill: then an order is a weight, and what it comes to shows when it fills",
            shared=True,
            says={
                "decision": "Quantities are fixed at the decision, from equity and price at that close, as "
                "in live trading. The fill may cost more or less than was reckoned with.",
                "fill": "Quantities are computed at the fill, from its own prices. A live portfolio cannot "
                "know those when it sends an order of a quantity, so this is a little kinder than life.",
            },
        ),
    ] = "decision"
    fill_at: Annotated[
        Literal["open", "close", "auto"],
        _term(
            "orders",
            "When orders fill, and at which price",
            "the price of the next bar that orders fill at; auto is the open where the data have one, else "
            "the close",
            shared=True,
            says={
                "open": "An order decided at the close of a bar fills at the open of the next one, at the "
                "opening price.",
                "close": "An order decided at the close of a bar fills at the close of the next one, at the "
                "closing price.",
            },
        ),
    ] = "auto"
    rebalance: Annotated[
        Every | Rebalance,
        _term(
            "orders",
            "When it trades",
            "when holdings are brought back to their weights, besides when a weight changes",
            "see below",
            shared=True,
        ),
    ] = "change"
    min_trade: Annotated[
        float,
        Meta(ge=0, le=1e15),
        _term(
            "orders",
            "Smallest trade",
            "orders worth less are not sent; of those sized at the fill, not filled. One that sells all that "
            "is held of an instrument always is: a rest too small to sell would stay at risk for good",
            "money",
            says="An order worth less than {money} is not sent, unless it sells all that is held.",
            unsaid="No trade is too small.",
        ),
    ] = 0.0
    risk_tolerance: Annotated[
        Weight,
        _term(
            "limits",
            "Risk tolerance",
            "multiplies the scale of the risk decisions, 1 at most; 0 never trades",
            says="{value}: a weight is multiplied by the risk decision's scale times this, by 1 at most. "
            "Where there is no risk decision, the scale is 1.",
        ),
    ] = 1.0
    max_drawdown: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | None,
        _term(
            "limits",
            "Drawdown limit",
            "so far below its peak at a close it sells everything, for good, whatever `min_trade` says; null "
            "is never",
            "fraction",
            says="{percent} below the peak at a close, everything is sold, for good.",
            unsaid="None: the portfolio keeps on trading however far it falls.",
        ),
    ] = None
    decisions: Annotated[
        str | None,
        _term(
            "limits",
            "Risk decisions",
            "a table of risk decisions, CSV or Parquet",
            "path",
            shared=True,
            says="Read from {value}.",
            unsaid="No risk model was heard.",
        ),
    ] = None


def _terms() -> dict[str, Term]:
    found = {}
    for field in msgspec.structs.fields(PortfolioConfig):
        told = get_args(field.type)[-1]
        found[field.name] = Term(field.name, title=told.title, words=told.description, **told.extra)
    return found


TERMS = _terms()
HEADINGS = tuple(dict.fromkeys(term.heading for term in TERMS.values()))
