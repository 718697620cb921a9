"""Every parameter of a portfolio in words, and what no parameter covers.

A backtest is a calculation under assumptions, and most of the disputes about one are about those. So none may
be silent: `assumptions_of` says each term in a sentence (model/terms.py has most of them), and prints what is
no term as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import cast

from flotilla.model.terms import TERMS, Rebalance, Term
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
    special: dict[str, Callable[[object], str]] = {
        "fill_at": lambda v: _fill_at(v, "open" in fields),
        "allocation": lambda v: _allocation(v, instruments),
        "rebalance": _rebalance,
    }
    said = [
        (term.title, special.get(name, partial(_said, term))(portfolio[name]))
        for name, term in TERMS.items()
        if name in portfolio
    ]
    others = [(key, setting(value)) for key, value in portfolio.items() if key not in TERMS]
    return [*said[:1], *ALWAYS[:1], *said[1:], *ALWAYS[1:], *others]


def _said(term: Term, value: object) -> str:
    """Return a term's own sentence."""
    if isinstance(term.says, dict):
        return term.says[str(value)]
    if term.unsaid and not value:
        return term.unsaid
    told = {"value": setting(value)}
    if isinstance(value, int | float):
        told |= {"percent": _share(value), "money": shown(value, "money"), "hundredths": f"{value / 100:.4g}"}
    return term.says.format(**told)


def _share(value: object) -> str:
    return f"{100.0 * float(cast('float', value)):.4g}%"


def _fill_at(value: object, has_open: bool) -> str:
    if value != "auto":
        return _said(TERMS["fill_at"], value)
    return _said(TERMS["fill_at"], "open") if has_open else _said(TERMS["fill_at"], "close") + _NO_OPEN


_NO_OPEN = " The data have no open."


def _allocation(value: object, instruments: int) -> str:
    if value is None:
        return f"A signal of 1 for one instrument is worth an equal share of equity: 1/{instruments}."
    if isinstance(value, Mapping):
        each = ", ".join(f"{name} {_share(part)}" for name, part in value.items())
        return f"A signal of 1 for an instrument is worth, of equity: {each}."
    return _said(TERMS["allocation"], value)


def _rebalance(value: object) -> str:
    told = rebalance_of(cast("str | Rebalance", value))
    if told.every == "change":
        return "Only when the weight of an instrument changes. Between, a holding drifts with its price."
    heard = told.every == "bar"
    when = "On every bar on which a signal is heard" if heard else f"By the calendar ({told.every})"
    far = f" that drifted by {_share(told.band)} of equity or more" if told.band else ""
    return f"When a weight changes. {when}, each holding{far} is brought back to its weight."
