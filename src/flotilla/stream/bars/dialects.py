"""Files as vendors write them, known by their shape or by the name of the vendor.

Each function looks at the first lines of a table and returns how it is read, or None where it is
not that vendor's. What a user says himself comes first (`said`). What was recognised is told in a
remark, so that nobody wonders where a column came from.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from flotilla.errors import ConfigError, nearest
from flotilla.model.panel import FIELDS
from flotilla.stream.bars.adjusted import is_adjusted_close
from flotilla.stream.bars.findings import refuse
from flotilla.stream.bars.heads import Head, Shape, said
from flotilla.stream.bars.layouts import LEVEL, plain_name
from flotilla.stream.bars.options import Options

Dialect = Callable[[Head, Options], Shape | None]
KLINE = [
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
]  # fmt: skip
PRICES = ("open", "high", "low", "close")
BARS = {*PRICES}
NSE = (  # the columns of its three reports: time, symbol, series, prices, volume
    "timestamp symbol series open high low close tottrdqty",
    "date1 symbol series open_price high_price low_price close_price ttl_trd_qnty",
    "traddt tckrsymb sctysrs opnpric hghpric lwpric clspric ttltradgvol",
)
_DUMP = re.compile(r"([A-Z0-9_]+)-\d+(s|m|h|d|w|mo)-\d{4}-\d\d(-\d\d)?")
_EXPORT = re.compile(r"(.+?)_(M\d+|H\d+|Daily|Weekly|Monthly|D1|W1|MN1)(_\d+)*")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_CLOCK = re.compile(r"\d{1,2}:\d\d(:\d\d)?|\d{6}")
_MONTH_FIRST = "%m/%d/%Y"
_AS_PAID = "its prices are those that were paid, so a split is a jump, and returns leave dividends out"


def shape_of(head: Head, options: Options, source: str) -> Shape:
    """Return how a table with these first lines is read."""
    if options.dialect is None:
        found = next(filter(None, (dialect(head, options) for dialect in DIALECTS.values())), None)
        return found or _date_and_time(head, options) or Shape(head.lines[0], 1, options)
    if options.dialect not in DIALECTS:
        raise ConfigError(f"no dialect is called {options.dialect!r}{nearest(options.dialect, DIALECTS)}")
    shape = DIALECTS[options.dialect](head, options)
    if shape is None:
        what = f"it is not as {options.dialect} writes; its first line is {', '.join(head.lines[0])}"
        raise refuse(source, what, "leave dialect out, or name the true one", "dialect")
    return shape


def yahoo(head: Head, options: Options) -> Shape | None:
    """Know Yahoo's download, and one like it: a column of adjusted closes beside the others."""
    lower = {*head.lower}
    if not ({"date", *BARS} <= lower and any(map(is_adjusted_close, lower))):
        return None
    return Shape(head.lines[0], 1, options)


def yfinance(head: Head, options: Options) -> Shape | None:
    """Know what pandas writes of a frame with two levels of columns: two or three lines of header."""
    if len(head.lines) < 3:
        return None
    above, below, third = (line for line in head.lines[:3])
    if len(above) != len(below) or len(above) < 2 or any(_NUMBER.fullmatch(cell) for cell in below if cell):
        return None
    known = {*FIELDS}
    if {plain_name(cell) for cell in above[1:]} & {"close"} and not {
        plain_name(cell) for cell in below[1:]
    } & known:
        fields, instruments = above, below
    elif {plain_name(cell) for cell in below[1:]} & {"close"} and not {
        plain_name(cell) for cell in above[1:]
    } & known:
        fields, instruments = below, above
    else:
        return None
    if not all(instruments[1:]) or below[0].lower() not in (
        "ticker",
        "price",
        "",
        "tickers",
        "symbol",
        "symbols",
    ):
        return None
    is_named = not any(third[1:])  # a line with the name of the index
    time = (third[0] if is_named else above[0]) or "Date"
    names = [
        time,
        *(f"{field}{LEVEL}{name}" for field, name in zip(fields[1:], instruments[1:], strict=True)),
    ]
    skip = 3 if is_named else 2
    return Shape(
        names,
        skip,
        options,
        f"{skip} lines of header are read: fields, and instruments, as yfinance has them",
    )


def stooq(head: Head, options: Options) -> Shape | None:
    """Know Stooq: its bulk files (<TICKER>,<PER>,<DATE>,<TIME>), and its Polish pages."""
    if head.column("<ticker>") is not None and head.column("<close>") is not None:
        date = head.column("<date>") or head.column("<dtyyyymmdd>")
        columns = {name: head.column(f"<{name}>") for name in BARS}
        columns |= {"symbol": head.column("<ticker>"), "time": date, "clock": head.column("<time>")}
        columns["volume"] = head.column("<vol>")
        return _told(head, said(options, columns=_there(columns)), "Stooq", "the names in <> are columns")
    names = ("data", "otwarcie", "najwyzszy", "najnizszy", "zamkniecie", "wolumen")
    if {"data", "zamkniecie"} <= {*head.lower}:
        roles = ("time", *PRICES, "volume")
        columns = {role: head.column(name) for role, name in zip(roles, names, strict=True)}
        return _told(head, said(options, columns=_there(columns)), "Stooq", "Zamkniecie is the close")
    is_page = options.dialect == "stooq" and {"date", *BARS} <= {*head.lower}
    return Shape(head.lines[0], 1, options) if is_page else None


def alphavantage(head: Head, options: Options) -> Shape | None:
    """Know Alpha Vantage: newest first."""
    lower = [plain_name(name) for name in head.lower]
    is_numbered = any(name != bare for name, bare in zip(head.lower, lower, strict=True))
    first, second = head.cell("timestamp"), head.cell("timestamp", 1)
    if not {*BARS} <= {*lower} or not (is_numbered or (lower[0] == "timestamp" and first > second)):
        named = options.dialect == "alphavantage" and {*BARS} <= {*lower}
        return Shape(head.lines[0], 1, said(options, sort=True)) if named else None
    note = "newest first, and turned round"
    is_daily = ":" not in (head.lines[1][0] if len(head.lines) > 1 and head.lines[1] else "")
    if is_daily and not any(map(is_adjusted_close, lower)):
        note += f"; {_AS_PAID}: TIME_SERIES_DAILY_ADJUSTED has them"
    return _told(head, said(options, sort=True), "Alpha Vantage", note)


def investing(head: Head, options: Options) -> Shape | None:
    """Know Investing.com: Price is the close, volumes as 1.2M, newest first; the day or the month first."""
    if not {"date", "price", "open", "high", "low"} <= {*head.lower}:
        return None
    if not ({"vol.", "change %"} & {*head.lower}):
        return None
    columns = {"close": head.column("price"), "volume": head.column("vol.")}
    filled = said(options, columns=_there(columns), amounts=True, thousands=",", sort=True, either_order=True)
    return _told(head, filled, "Investing.com", "Price is the close")


def nasdaq(head: Head, options: Options) -> Shape | None:
    """Know Nasdaq.com: Close/Last, prices with a dollar sign, newest first, the month before the day."""
    if not {"date", "close/last"} <= {*head.lower}:
        return None
    columns = {"close": head.column("close/last")}
    filled = said(options, columns=_there(columns), amounts=True, thousands=",", sort=True)
    if "/" in head.cell("date"):
        filled = said(filled, date_format=_MONTH_FIRST)
    return _told(
        head, filled, "Nasdaq.com", "Close/Last is the close, and the month comes first in its dates"
    )


def tradingview(head: Head, options: Options) -> Shape | None:
    """Know TradingView's chart export: seconds since 1970, or ISO times."""
    if head.lower[:1] != ["time"] or not {*BARS} <= {*head.lower}:
        return None
    if re.fullmatch(r"-?\d{1,10}", head.cell("time")) is None or len(head.cell("time")) < 8:
        return Shape(head.lines[0], 1, options) if options.dialect == "tradingview" else None
    if options.dialect is None and re.fullmatch(r"(19|20)\d{6}", head.cell("time")):
        return None
    return _told(head, said(options, unit="s"), "TradingView", "times are seconds since 1970")


def metatrader(head: Head, options: Options) -> Shape | None:
    """Know MetaTrader 5 (<DATE>, tabs), and 4 (no line of names)."""
    instrument = found[1] if (found := _EXPORT.fullmatch(head.stem)) else None
    first = head.lines[0]
    if head.column("<date>") is not None and head.column("<close>") is not None:
        columns = {name: head.column(f"<{name}>") for name in BARS}
        columns |= {"time": head.column("<date>"), "clock": head.column("<time>")}
        columns["volume"] = head.column("<tickvol>") or head.column("<vol>")
        note = f"volume is {columns['volume']}, which counts changes of price"
        filled = said(options, columns=_there(columns), instrument=instrument)
        return _told(head, filled, "MetaTrader", note)
    if not (
        len(first) in (6, 7)
        and re.fullmatch(r"\d{4}\.\d\d\.\d\d", first[0])
        and re.fullmatch(r"\d\d:\d\d", first[1])
        and all(_NUMBER.fullmatch(cell) for cell in first[2:])
    ):
        return None
    names = ["date", "time", "open", "high", "low", "close", "volume"][: len(first)]
    filled = said(options, columns={"time": "date", "clock": "time"}, instrument=instrument)
    return Shape(names, 0, filled, f"{head.stem} has no line of names, and is read as MetaTrader writes it")


def binance(head: Head, options: Options) -> Shape | None:
    """Know Binance's dumps of klines, with or without names; milliseconds, and microseconds since 2025."""
    first = head.lines[0]
    instrument = found[1] if (found := _DUMP.fullmatch(head.stem)) else None
    is_bare = len(first) == len(KLINE) and all(_NUMBER.fullmatch(cell) for cell in first)
    if is_bare and len(first[0]) in (13, 16) and len(first[6]) == len(first[0]):
        filled = said(options, columns={"time": "open_time"}, unit="epoch", instrument=instrument)
        note = f"has no line of names, and is read as Binance writes it: {', '.join(KLINE[:6])}"
        return Shape(KLINE, 0, filled, f"{head.stem} {note}")
    time = head.column("open_time") or head.column("open time") or head.column("opentime")
    if time is None or not {*BARS} <= {*head.lower}:
        return None
    filled = said(options, columns={"time": time}, instrument=instrument)
    if re.fullmatch(r"\d+", head.cell(time.lower()) or "0"):
        filled = said(filled, unit="epoch")
    return _told(head, filled, "Binance", f"{time} is the time")


def kite(head: Head, options: Options) -> Shape | None:
    """Know Zerodha's Kite: plain names, times with +05:30."""
    is_named = options.dialect == "kite" and {"date", *BARS} <= {*head.lower}
    return Shape(head.lines[0], 1, options) if is_named else None


def nse(head: Head, options: Options) -> Shape | None:
    """Know the daily reports of India's National Stock Exchange: a row for each symbol and series."""
    roles = ("time", "symbol", "keep", *PRICES, "volume")
    for report in NSE:
        if {*report.split()} <= {*head.lower}:
            columns = {role: head.column(name) for role, name in zip(roles, report.split(), strict=True)}
            series = columns.pop("keep")
            filled = said(options, columns=_there(columns), keep=(series, "EQ"))
            return _told(
                head,
                filled,
                "the NSE",
                f"{columns['symbol']} is the symbol, {columns['close']} the close; {_AS_PAID}",
            )
    return None


def ib(head: Head, options: Options) -> Shape | None:
    """Know Interactive Brokers: Date/Time, or average and barCount beside the bars."""
    lower = {*head.lower}
    time = head.column("date/time") or head.column("datetime") or head.column("date")
    if time is None or not {*BARS} <= lower:
        return None
    if not ("date/time" in lower or {"average", "barcount"} <= lower or options.dialect == "ib"):
        return None
    filled = said(options, columns={"time": time})
    if re.fullmatch(r"\d{9,10}", head.cell(time.lower())):
        filled = said(filled, unit="s")
    return _told(head, filled, "Interactive Brokers", f"{time} is the time")


def polygon(head: Head, options: Options) -> Shape | None:
    """Know Polygon's flat files: window_start in nanoseconds, of New York's days for stocks."""
    if not {"ticker", "window_start", *BARS} <= {*head.lower}:
        return None
    columns = {"time": head.column("window_start"), "symbol": head.column("ticker")}
    zone = "UTC" if head.cell("ticker").startswith(("X:", "C:")) else "America/New_York"
    filled = said(options, columns=_there(columns), unit="ns", zone=zone)
    note = f"window_start is the time, in ns, and days are those of {filled.zone}"
    return _told(head, filled, "Polygon", note if zone == "UTC" else f"{note}; {_AS_PAID}")


DIALECTS: dict[str, Dialect] = {
    "yfinance": yfinance,
    "stooq": stooq,
    "investing": investing,
    "nasdaq": nasdaq,
    "binance": binance,
    "metatrader": metatrader,
    "nse": nse,
    "polygon": polygon,
    "ib": ib,
    "alphavantage": alphavantage,
    "tradingview": tradingview,
    "yahoo": yahoo,
    "kite": kite,
}


def _date_and_time(head: Head, options: Options) -> Shape | None:
    """Return how a day and a time of day in two columns are read: as one."""
    date, time = head.column("date"), head.column("time")
    if date is None or time is None or {"time", "clock"} & options.columns.keys():
        return None
    if _CLOCK.fullmatch(head.cell("time")) is None:
        return None
    filled = said(options, columns={"time": date, "clock": time})
    return Shape(head.lines[0], 1, filled, f"{head.stem}: {date} and {time} are read as one time")


def _told(head: Head, options: Options, vendor: str, note: str) -> Shape:
    return Shape(head.lines[0], 1, options, f"{head.stem} is read as {vendor} writes it: {note}")


def _there(columns: dict[str, str | None]) -> dict[str, str]:
    return {role: name for role, name in columns.items() if name is not None}
