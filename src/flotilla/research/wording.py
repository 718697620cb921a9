"""The chain behind an order, in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from flotilla.clock import DAY_NS
from flotilla.errors import ConfigError
from flotilla.portfolio.trace import Purchase, Weighing
from flotilla.research.chain import StrategySignal, Why
from flotilla.words import cut


def lines(chain: Why) -> list[str]:
    """Return the chain as text, from the fill back to the prices."""
    if not isinstance(chain, Why):
        raise ConfigError(f"lines needs the Why of an order, as lines(why(result, order)), not {cut(chain)}")
    return [*_order(chain), *_brought_back(chain), *_latched(chain), *_signals(chain), *_risk(chain)]


def _order(chain: Why) -> Iterator[str]:
    order = chain.order
    quantity = f"{order.quantity:,.6g}" if order.quantity == order.quantity else "sized at the fill"
    yield f"order {order.order_id}: {order.instrument} {quantity}, to weigh {order.weight:.4%} of equity"
    yield f"  decided at the close of {_bar(chain, order.bar, order.ts_event)}: {_spelled(chain.decided_on)}"
    at = "open" if "open" in chain.filled_on and chain.terms["fill_at"] != "close" else "close"
    for fill in chain.fills:
        yield (
            f"  filled on {_bar(chain, fill.bar, fill.ts_event, at)}: {fill.quantity:,.6g} at "
            f"{fill.price:,.4f}, fee {fill.fee:,.2f}"
        )
    if not chain.fills:
        yield "  not filled"
    yield from _cut(chain.purchase)


def _cut(purchase: Purchase | None) -> Iterator[str]:
    if purchase and purchase.factor < 1.0:
        asked, filled = f"{purchase.asked:,.6g} asked", f"{purchase.filled:,.6g} filled"
        need, cash = f"{purchase.need:,.2f}", f"{purchase.cash:,.2f}"
        yield f"  cut by the cash rule, {asked} and {filled}: the bar's buys would have cost {need}"
        yield f"    and there was {cash} for them, so all were scaled by {purchase.factor:.6g}"


def _brought_back(chain: Why) -> Iterator[str]:
    if chain.restored:
        every, band, held = chain.restored
        when = "on every bar that has a signal" if every == "bar" else f"by the calendar ({every})"
        far = f", where they drifted by {band:.4%} of equity or more" if band else ""
        yield f"  because holdings are brought back to their weights {when}{far}:"
        yield f"    it weighed {held:.4%} of equity, and its weight is {chain.order.weight:.4%}"


def _latched(chain: Why) -> Iterator[str]:
    latch = chain.latch
    if latch:
        fall, peak = f"{1.0 - latch.equity / latch.peak:.4%}", f"{latch.peak:,.2f} (bar {latch.peak_bar})"
        when = f"on {_bar(chain, latch.bar, latch.ts)}"
        yield f"  because the drawdown limit of {latch.limit:.4%} was hit {when}:"
        yield f"    equity {latch.equity:,.2f} was {fall} below its peak of {peak};"
        yield "    from then on the portfolio is flat, whatever is said"


def _signals(chain: Why) -> Iterator[str]:
    several = len(chain.signals) > 1
    word = "although" if chain.latch else "because"
    for signal in chain.signals:
        part = f", {_part(signal)}" if several else ""
        yield f"  {word} {signal.strategy} said {signal.strength:g} on bar {signal.bar}{part}:"
        yield from (f"    {feature.text} = {feature.value:,.6g}" for feature in signal.features)
    weighing = chain.weighing
    if several and weighing.bar >= 0:
        when = "" if weighing.bar == chain.order.bar else f" on bar {weighing.bar}, the last that was heard"
        yield f"  together they said {weighing.signal:g}{when}"


def _part(signal: StrategySignal) -> str:
    if signal.share == 0.0:
        return "weight 0, so it does not count"
    if signal.part == 0.0:
        return f"weight {signal.share:g}, and was silent when the mean was taken"
    return f"weight {signal.share:g}, {signal.part:.4%} of the mean"


def _risk(chain: Why) -> Iterator[str]:
    weighing = chain.weighing
    for heeded in chain.decisions:
        known = np.datetime64(heeded.ts_recv, "ns").astype("datetime64[s]")
        said = f"scale {heeded.scale:g}, cap {heeded.cap:g}, reason {heeded.reason}"
        yield f"  under risk decision {heeded.decision_id} of {known}: {said}"
    if not chain.decisions:
        yield "  under no risk decision"
    if weighing.factor < 1.0 or weighing.unrestrained * weighing.factor > weighing.cap:
        yield from _restrained(weighing)


def _restrained(weighing: Weighing) -> Iterator[str]:
    text = f"  {weighing.unrestrained:.4%} of equity by its signal alone"
    if weighing.factor < 1.0:
        text += f", times {weighing.factor:g} (scale {weighing.scale:g} × tolerance {weighing.tolerance:g})"
    if weighing.unrestrained * weighing.factor > weighing.cap:
        text += f", capped at {weighing.cap:.4%}"
    yield f"{text}: {weighing.weight:.4%}"


def _bar(chain: Why, bar: int, ts: int, at: str = "close") -> str:
    """Return a bar with its time: of shorter ones than a day when they open or close, in the data's zone."""
    if chain.bar_ns >= DAY_NS:
        return f"bar {bar} ({np.datetime64(ts, 'ns').astype('datetime64[s]')})"
    seconds = (ts + (chain.bar_ns if at == "close" else 0)) // 1_000_000_000
    return f"bar {bar} ({datetime.fromtimestamp(seconds, ZoneInfo(chain.zone)).isoformat()})"


def _spelled(prices: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:,.4f}" for name, value in prices.items())
