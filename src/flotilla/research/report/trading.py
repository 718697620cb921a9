"""What was traded: profit by instrument, round trips, and prices with the fills on them."""

from __future__ import annotations

from heapq import nlargest, nsmallest

import numpy as np

from flotilla.model.arrays import Floats
from flotilla.model.records import Fill
from flotilla.research.profit import Contribution
from flotilla.research.report.axes import HEIGHT, WIDTH, Scale, along, around, line, time_marks
from flotilla.research.report.data import ReportData
from flotilla.research.report.markup import Markup, tag
from flotilla.research.report.numbers import moment, percent, shown
from flotilla.research.report.plot import (
    behind,
    beneath,
    figure,
    grid,
    legend,
    plot,
    shape,
    side_labels,
    uprights,
)
from flotilla.research.report.tables import table
from flotilla.research.trips import Trip
from flotilla.words import counted

INSTRUMENTS = 25  # rows of the table of profits before the rest is one
TRIPS = 5  # that are told, of the best and of the worst
FILLS = 1_500  # marks on a picture: more cannot be told apart
LOG_FROM = 4.0  # highest over lowest price from which a linear scale would hide the early years


def profits(data: ReportData) -> Markup | None:
    """Return what each instrument earned, most first; None where nothing is known of it."""
    if not data.contributions:
        return None
    total = sum(part.profit for part in data.contributions)
    ranked = sorted(data.contributions, key=lambda part: -part.profit)
    told, rest = ranked, []
    if len(ranked) > INSTRUMENTS:
        half = INSTRUMENTS // 2
        told, rest = [*ranked[:half], *ranked[-half:]], ranked[half:-half]
    rows = [_row(part.instrument, part, total) for part in told]
    if rest:
        others = Contribution("", *(sum(column) for column in zip(*(part[1:] for part in rest), strict=True)))
        rows.insert(len(told) // 2, _row(f"{len(rest):,} between", others, total))
    whole = Contribution("", *(sum(column) for column in zip(*(part[1:] for part in ranked), strict=True)))
    rows.append(_row("All", whole, total))
    head = ["Instrument", "Profit", "Share of it", "Mean exposure", "Traded", "Fees", "Fills"]
    return table("Profit by instrument", head, rows, kind="profits")


def _row(name: str, part: Contribution, total: float) -> list[str]:
    share = percent(part.profit / total, 0) if total else "n/a"
    money = (shown(value, "money") for value in (part.profit, part.traded, part.fees))
    profit, traded, fees = money
    return [name, profit, share, percent(part.exposure), traded, fees, f"{part.fills:,}"]


def round_trips(data: ReportData) -> Markup | None:
    """Return the best and the worst round trips; None where there is none."""
    closed = data.trips.closed
    if not closed:
        return None
    few = len(closed) <= 2 * TRIPS
    told = closed if few else [
        *nlargest(TRIPS, closed, key=lambda trip: trip.profit),
        *reversed(nsmallest(TRIPS, closed, key=lambda trip: trip.profit)),
    ]  # fmt: skip
    title = (
        "The round trips" if few else f"The {TRIPS} best and the {TRIPS} worst of {len(closed):,} round trips"
    )
    head = ["Instrument", "Bought", "Sold", "Days", "Quantity", "Entry", "Exit", "Fees", "Profit", "Gain"]
    made = [table(title, head, [_trip(trip) for trip in told], columns="tttn")]
    if data.trips.open:
        worth = sum(trip.profit for trip in data.trips.open)
        still = counted(len(data.trips.open), "purchase")
        words = (
            f"Held still: {still}, with {shown(worth, 'money')} of profit at the last close; no round trips."
        )
        made.append(tag("p", words, class_="note"))
    return tag("div", tag("h3", title), *made)


def _trip(trip: Trip) -> list[str]:
    return [
        trip.instrument,
        moment(trip.entered),
        "" if trip.left is None else moment(trip.left),
        f"{trip.days:,.1f}".removesuffix(".0"),
        f"{trip.quantity:,.6g}",
        f"{trip.entry:,.6g}",
        f"{trip.exit:,.6g}",
        shown(trip.fees, "money"),
        shown(trip.profit, "money"),
        percent(trip.gain, signed=True),
    ]


def prices(data: ReportData) -> Markup | None:
    """Return the prices of a few instruments with the fills on them: the first open, the others folded."""
    if not data.prices:
        return None
    pictures = [_priced(data, n, name, price) for n, (name, price) in enumerate(data.prices.items())]
    others = [behind(name, picture) for name, picture in zip([*data.prices][1:], pictures[1:], strict=True)]
    first = next(iter(data.prices))
    title = f"{first}: price and fills" if len(pictures) == 1 else f"{first}, which earned or lost most"
    note = "Closing prices, with a mark at the price of each fill."
    key = legend(("buy", "Bought", ""), ("sell", "Sold", ""))
    return figure(title, note, key, pictures[0], *others)


def _priced(data: ReportData, number: int, name: str, price: Floats) -> Markup:
    fills = [fill for fill in data.fills if fill.instrument == name]
    kept = fills[:: -(-len(fills) // FILLS)] if fills else []
    x, times = along(data.ts), time_marks(data.ts)
    known = price[np.isfinite(price)]
    paid = np.array([fill.price for fill in kept], np.float64)
    scale = around(known, paid, log=bool(known.max() / known.min() >= LOG_FROM))
    marks = scale.marks(5, "money")
    shapes = [uprights(times), grid(marks), shape(line(x, scale.at(price)), "price thin")]
    for kind, sign in (("sell", -1.0), ("buy", 1.0)):
        side = [fill for fill in kept if fill.quantity * sign > 0.0]
        shapes.append(shape(_dots(data, side, scale), f"dots {kind}"))
    bought = sum(fill.quantity > 0.0 for fill in fills)
    words = f"{name}: {counted(bought, 'purchase')} and {counted(len(fills) - bought, 'sale')}."
    return plot(
        f"price-{number}",
        f"Price of {name}",
        words,
        shapes,
        [side_labels(marks), beneath(times)],
        240,
        "time",
    )


def _dots(data: ReportData, fills: list[Fill], scale: Scale) -> str:
    """Return a path of points: the style sheet draws each as a dot that does not stretch with the box."""
    span = max(int(data.ts[-1] - data.ts[0]), 1)
    places = ((fill.ts_event - int(data.ts[0])) / span for fill in fills)
    return "".join(
        f"M{at * WIDTH:.0f} {HEIGHT - scale.spot(fill.price) * HEIGHT:.0f}h0"
        for at, fill in zip(places, fills, strict=True)
    )
