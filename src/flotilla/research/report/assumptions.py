"""Every parameter of a portfolio in words, and what no parameter covers.

A backtest is a calculation under assumptions, and most of the disputes about one are about those. So none may
be silent: `assumptions_of` says each parameter that it knows in a sentence, and prints those that it does not
know as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import cast

from flotilla.model.terms import Rebalance
from flotilla.portfolio.rebalance import rebalance_of
from flotilla.research.report.numbers import setting, shown

Words = tuple[str, str]

ALWAYS: tuple[Words, ...] = (
    (
        "What a decision knows",
        "A decision at the close of a bar knows that bar and those before it. Nothing later exists for it.",
    ),
    (
        "Account",
        "A cash account: no borrowing and no short positions, so a negative signal means flat. A bar's "
        "sells settle before its buys. Where the cash does not cover all the buys, they are scaled down "
        "together by one factor, so no instrument is favoured by its place in a list.",
    ),
    (
        "No signal",
        "Where a signal has no value (in its warm-up, or for want of data), the last one stands. "
        "Before the first, the portfolio is flat.",
    ),
    (
        "Valuation",
        "At the close of each bar. An instrument without a price on a bar is worth its last known close.",
    ),
    (
        "The pessimistic reading",
        "Quantities are rounded toward zero, so never to more than was wanted. An order on a bar without a "
        "price is not filled at a stale one: it waits for the next price. The last bar's orders never fill, "
        "and nothing is sold at the end.",
    ),
)

NOT_MODELLED: tuple[Words, ...] = (
    ("Market impact", "The portfolio's own orders do not move the price, however large they are."),
    ("Liquidity", "Any quantity fills whole; it is not limited by the volume that was traded."),
    ("Spread", "There is none, except as far as the slippage stands for it."),
    ("Stops and limits", "All orders are market orders. Within a bar nothing is bought or sold."),
    ("Interest", "Idle cash earns nothing. The risk-free rate of the Sharpe ratio is zero, too."),
    ("Dividends, splits", "Only as far as they are in the prices. Adjusted prices have them in."),
    ("Tax", "None is paid."),
    ("Currency", "Everything is in one."),
    (
        "Instruments that are gone",
        "The list of instruments was made with hindsight unless the data say otherwise: those that failed, "
        "and left the market, are missing from it. This flatters the portfolio and holding alike.",
    ),
)


def assumptions_of(portfolio: Mapping[str, object], instruments: int, fields: Collection[str]) -> list[Words]:
    """Return what a portfolio assumes, as (what about, in words).

    portfolio: the parameters of the configuration's portfolio. fields: what the prices have ("open", ...).
    """
    known: dict[str, Callable[[object], str]] = {
        "cash": lambda v: f"{shown(_number(v), 'money')} to begin with. Nothing is paid in or out.",
        "fill_at": lambda v: _fill_at(v, "open" in fields),
        "fee_bps": _fee,
        "slippage_bps": _slippage,
        "size_at": _size_at,
        "lot": _lot,
        "allocation": lambda v: _allocation(v, instruments),
        "cap": lambda v: (
            f"No instrument is given more than {_share(v)} of equity at a decision; it may drift above."
        ),
        "rebalance": _rebalance,
        "min_trade": _min_trade,
        "risk_tolerance": _risk_tolerance,
        "max_drawdown": _max_drawdown,
        "start": _start,
        "decisions": _decisions,
    }
    said = [(_TITLES[key], words(portfolio[key])) for key, words in known.items() if key in portfolio]
    others = [(key, setting(value)) for key, value in portfolio.items() if key not in known]
    return [*said[:1], *ALWAYS[:1], *said[1:], *ALWAYS[1:], *others]


_TITLES = {
    "cash": "Cash",
    "fill_at": "When orders fill, and at which price",
    "fee_bps": "Fees",
    "slippage_bps": "Slippage",
    "size_at": "Sizing",
    "lot": "Lots",
    "allocation": "Weight of an instrument",
    "cap": "Largest weight",
    "rebalance": "When it trades",
    "min_trade": "Smallest trade",
    "risk_tolerance": "Risk tolerance",
    "max_drawdown": "Drawdown limit",
    "start": "First trading day",
    "decisions": "Risk decisions",
}


def _number(value: object) -> float:
    return float(cast("float", value))


def _share(value: object) -> str:
    return f"{100.0 * _number(value):.4g}%"


def _fill_at(value: object, has_open: bool) -> str:
    if value == "open" or (value == "auto" and has_open):
        return (
            "An order decided at the close of a bar fills at the open of the next one, at the opening price."
        )
    why = " The data have no open." if value == "auto" else ""
    words = "An order decided at the close of a bar fills at the close of the next one, at the closing price."
    return words + why


def _fee(value: object) -> str:
    if not _number(value):
        return "None."
    share = f"{setting(value)} basis points ({_number(value) / 100:.4g}%)"
    return f"{share} of the traded value, of what is bought and of what is sold, taken from cash at the fill."


def _slippage(value: object) -> str:
    if not _number(value):
        return "None: an order gets exactly the price of its fill."
    return f"Every fill is {setting(value)} basis points ({_number(value) / 100:.4g}%) worse than the price."


def _size_at(value: object) -> str:
    if value == "fill":
        return (
            "Quantities are computed at the fill, from its own prices. A live portfolio cannot know those "
            "when it sends an order of a quantity, so this is a little kinder than life."
        )
    return (
        "Quantities are fixed at the decision, from equity and price at that close, as in live trading. "
        "The fill may cost more or less than was reckoned with."
    )


def _lot(value: object) -> str:
    if not _number(value):
        return "Fractions of a unit may be held, of any size."
    return f"Whole lots of {setting(value)}, rounded toward zero."


def _allocation(value: object, instruments: int) -> str:
    if value is None:
        return f"A signal of 1 for one instrument is worth an equal share of equity: 1/{instruments}."
    if isinstance(value, Mapping):
        each = ", ".join(f"{name} {_share(part)}" for name, part in value.items())
        return f"A signal of 1 for an instrument is worth, of equity: {each}."
    return f"A signal of 1 for one instrument is worth {_share(value)} of equity."


def _rebalance(value: object) -> str:
    told = rebalance_of(cast("str | Rebalance", value))
    if told.every == "change":
        return "Only when the weight of an instrument changes. Between, a holding drifts with its price."
    heard = told.every == "bar"
    when = "On every bar on which a signal is heard" if heard else f"By the calendar ({told.every})"
    far = f" that drifted by {_share(told.band)} of equity or more" if told.band else ""
    return f"When a weight changes. {when}, each holding{far} is brought back to its weight."


def _min_trade(value: object) -> str:
    if not _number(value):
        return "No trade is too small."
    least = shown(_number(value), "money")
    return f"An order worth less than {least} is not sent, unless it sells all that is held."


def _risk_tolerance(value: object) -> str:
    return (
        f"{setting(value)}: a weight is multiplied by the risk decision's scale times this, by 1 at most. "
        "Where there is no risk decision, the scale is 1."
    )


def _max_drawdown(value: object) -> str:
    if value is None:
        return "None: the portfolio keeps on trading however far it falls."
    return f"{_share(value)} below the peak at a close, everything is sold, for good."


def _start(value: object) -> str:
    if value is None:
        return "The first row. A strategy that needs history is silent until it has it."
    return f"{value}. Earlier rows are history for the strategies to warm up on."


def _decisions(value: object) -> str:
    return "No risk model was heard." if value is None else f"Read from {value}."
