"""Which column of a table is what.

    long    there is a column `symbol`: a row is one bar of one instrument
    one     there is no `symbol` but there is `close`: all rows are bars of one instrument
    wide    neither: a row is a time, and every other column is one instrument's closes

Names are known in any case of letters, or said by `columns`. In a wide table an instrument may be
called LOW or TIME: in capitals, among others in capitals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from flotilla.errors import ConfigError, DataError, nearest
from flotilla.model.panel import FIELDS
from flotilla.stream.bars.adjusted import ADJUSTED_CLOSE, is_adjusted_close, speaks_of_it, unknown, unread
from flotilla.stream.bars.findings import refuse
from flotilla.stream.bars.options import Options

TIMES = ("ts", "date", "timestamp", "datetime", "time")
SYMBOLS = ("symbol", "instrument", "ticker")
# What pandas calls an index without a name, in Parquet and in CSV; used where no other is there.
UNNAMED = ("__index_level_0__", "index", "", "unnamed: 0", "level_0")
# What a count of rows is called that was saved with a table; an instrument may be called so as well.
_COUNTS = re.compile(
    r"id|no|nr|num|number|#|n|i|idx|rows?|rank|rn|obs|seq|sr?no|\d+|row(num|number|id|no)|unnamed:\d+"
)
LEVEL = "\x1f"  # between the field and the instrument of a column that is called by both
LAYOUTS = ("long", "one", "wide")
ROLES = ("time", "clock", "symbol", "adjusted", *FIELDS)
_NUMBERED = re.compile(r"\d+[a-z]?\. ")  # "1. open", as one vendor's JSON has it
_TICKER = re.compile(r"[A-Z0-9.^=-]+")
_MAKE_BARS = "make bars of them, with the first, highest, lowest and last price of each time"
_ARE_TRADES = "trades and not bars"
# Columns that tell what else a table is: those, what it is, and what would do.
_OTHERS = (
    ("strike expiry", "options: a row for each strike and expiry",
     "name each contract in a column, say columns: {symbol: NAME}, and keep those that you trade"),
    ("contract_month", "a chain of futures: a row for each contract month",
     "take the contract that you trade at each time, as one symbol"),
    ("bid_close ask_close", "bars of quotes, bid and ask apart",
     "say which is the price, as columns: {close: bid_close}, or make the mid a column close"),
    ("bid ask", "quotes and not bars", _MAKE_BARS),
    ("price size", _ARE_TRADES, _MAKE_BARS),
    ("price qty", _ARE_TRADES, _MAKE_BARS),
    ("price quantity", _ARE_TRADES, _MAKE_BARS),
    ("funding_rate", "funding rates and not bars",
     "join them to the bars as a column, and name it: extra: [funding_rate]"),
    ("open_interest", "open interest without prices",
     "join it to the bars as a column, and name it: extra: [open_interest]"),
    ("price_factor", "adjustment factors and not bars", "multiply the prices by them, and give the bars"),
    ("ex_date", "corporate actions and not bars", "adjust the prices by them, and give the bars"),
    ("series rate", "interest rates and not bars", "give prices; a rate may stand beside: extra: [rate]"),
    ("initial maintenance", "margins and not bars", "give prices"),
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """Which column is what: names as the table spells them.

    fields: field -> column, "close" among them, and what is kept beside the bars; empty: every other
    column is an instrument. counters: columns that may count rows, as an index left behind does.
    levels: column -> (field, instrument), where there is one for each of both.
    """

    time: str
    symbol: str | None
    fields: Mapping[str, str]
    clock: str | None = None
    adjusted: str | None = None
    currency: str | None = None
    counters: tuple[str, ...] = ()
    levels: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def texts(self, options: Options) -> set[str]:
        """Return the columns that are read as text."""
        kept = options.keep[0] if options.keep else None
        return {
            name for name in (self.time, self.clock, self.symbol, self.currency, kept) if name is not None
        }

    def numbers(self, names: list[str], options: Options) -> list[str]:
        """Return the columns of numbers that are read, of a table with these columns."""
        if self.levels:
            return [*self.levels]
        if not self.fields:
            return [name for name in names if name not in self.texts(options)]
        wanted = {*self.fields.values()} | ({self.adjusted} if self.adjusted and options.adjusted else set())
        return [name for name in names if name in wanted]


def layout_of(names: list[str], source: str, options: Options | None = None) -> Layout:
    """Return how a table with these columns is to be read; DataError where that is not clear."""
    options = Options() if options is None else options
    if any(LEVEL in name for name in names):
        return _levelled(names, source, options)
    return _Columns(names, source, options).layout()


def _levelled(names: list[str], source: str, options: Options) -> Layout:
    """Return the layout of columns that are called by their field and their instrument."""
    wanted = {**{name: name for name in FIELDS}, **{plain_name(name): name for name in options.extra}}
    levels, skipped = {}, set()
    for name in names:
        field_, _, instrument = name.partition(LEVEL)
        if options.adjusted and is_adjusted_close(field_):
            wanted[plain_name(field_)] = ADJUSTED_CLOSE
        if instrument and plain_name(field_) in wanted:
            levels[name] = (wanted[plain_name(field_)], instrument)
        elif instrument:
            skipped.add(field_)
    there = {field_ for field_, _ in levels.values()}
    if "close" not in there or (options.adjusted and ADJUSTED_CLOSE not in there):
        what = f"no column {'Adj Close' if 'close' in there else 'Close'} in its lines of header"
        raise refuse(source, what, "give the closes: bars have one", "missing_column")
    beside = sorted(filter(is_adjusted_close, skipped)) if options.adjusted is None else []
    remarks = (unread(source, "Close", beside[0]),) if beside else ()
    time = next(name for name in names if LEVEL not in name)
    return Layout(time, None, {}, levels=levels, remarks=remarks)


class _Columns:
    """The columns of a table, by their names in small letters."""

    def __init__(self, names: list[str], source: str, options: Options) -> None:
        self.names, self.source, self.options = names, source, options
        if options.layout not in (None, *LAYOUTS):
            raise ConfigError(f"layout {options.layout!r} is none{nearest(str(options.layout), LAYOUTS)}")
        self.chosen: dict[str, str] = {
            role: self._named(role, column) for role, column in options.columns.items()
        }
        self.chosen |= {name: self._named(name, name) for name in options.extra}
        self.lower: dict[str, list[str]] = {}
        for name in names:
            if name not in self.chosen.values():
                self.lower.setdefault(plain_name(name), []).append(name)
        self.there = f"there is {', '.join(names) or 'no column at all'}"

    def layout(self) -> Layout:
        """Return what each column is."""
        symbol = self._symbol()
        fields = {name: self.chosen[name] for name in FIELDS if name in self.chosen}
        is_wide = self._is_wide(symbol, fields)
        time = self._time(is_wide=is_wide)
        if is_wide:
            return self._wide(time)
        self._refuse_others(symbol, fields)
        for name in FIELDS:
            if name not in fields and name in self.lower:
                fields[name] = self._only(name)
        if "close" not in fields:
            raise self._no_close()
        fields = {name: fields[name] for name in FIELDS if name in fields}
        fields |= {name: column for name, column in self.chosen.items() if name not in ROLES}
        adjusted, remarks = self._adjusted(fields["close"])
        currency = self._first(("currency",)) if "currency" not in fields else None
        clock = self.chosen.get("clock")
        return Layout(time, symbol, fields, clock, adjusted, currency, remarks=remarks)

    def _adjusted(self, close: str) -> tuple[str | None, tuple[str, ...]]:
        """Return the column of adjusted closes if there is one, and a remark about others that may be."""
        if "adjusted" in self.chosen:
            return self.chosen["adjusted"], ()
        free = [name for spelt in self.lower.values() for name in spelt if name != close]
        there = [name for name in free if is_adjusted_close(name)]
        if self.options.adjusted and len(there) != 1:
            several = f"several columns of adjusted closes: {', '.join(there)}"
            what = several if there else f"no column of adjusted closes; {self.there}"
            mend = "say which it is: columns: {adjusted: NAME}; or leave adjusted out"
            raise refuse(self.source, what, mend, "missing_column")
        spoken = [name for name in free if speaks_of_it(name)]
        if there or not spoken or self.options.adjusted is False or speaks_of_it(close):
            return (there[0] if there else None), ()
        return None, (unknown(self.source, close, spoken),)

    def _named(self, role: object, column: object) -> str:
        if not isinstance(role, str) or not isinstance(column, str):
            raise ConfigError(f"columns: {role!r} -> {column!r} should be names, as {{close: Price}}")
        if column in self.names:
            return column
        near = [name for name in self.names if plain_name(name) == plain_name(column)]
        if len(near) != 1:
            raise DataError(f"{self.source} has no column {column!r}{nearest(column, self.names)}")
        return near[0]

    def _first(self, keys: tuple[str, ...]) -> str | None:
        return next((self.lower[key][0] for key in keys if key in self.lower), None)

    def _only(self, key: str) -> str:
        if len(self.lower[key]) > 1:
            raise refuse(self.source, f"columns come twice: {key!r}", "keep one of each", "repeated_column")
        return self.lower[key][0]

    def _symbol(self) -> str | None:
        if "symbol" in self.chosen:
            return self.chosen["symbol"]
        symbols = [name for name in SYMBOLS if name in self.lower]
        if len(symbols) > 1:
            what = f"several symbol columns: {', '.join(symbols)}"
            raise refuse(
                self.source, what, "keep one, or say which: columns: {symbol: NAME}", "repeated_column"
            )
        return self._only(symbols[0]) if symbols else None

    def _is_wide(self, symbol: str | None, chosen: Mapping[str, str]) -> bool:
        """Say whether the columns are instruments; DataError where a close may be a ticker."""
        if self.options.layout is not None:
            return self.options.layout == "wide"
        if symbol is not None or chosen:
            return False
        called = [key for key in FIELDS if key in self.lower]
        if not called:
            return not self._other(set())
        known = {*FIELDS, *TIMES, *UNNAMED, *filter(is_adjusted_close, self.lower)}
        rest = [name for key, spelt in self.lower.items() if key not in known for name in spelt]
        spelled = [*rest, *(self.lower[key][0] for key in called)]
        loud = all(_TICKER.fullmatch(name) for name in spelled)
        if not loud or not rest or {"open", "high", "low"} <= {*called}:
            return False
        if "close" not in called:
            return len(called) == 1 or len(rest) > 1
        if len(called) > 1:
            return False
        what = f"CLOSE may be the closes or an instrument beside {', '.join(rest[:3])}"
        raise refuse(self.source, what, "say which: layout: one, or layout: wide", "ambiguous_layout")

    def _time(self, *, is_wide: bool) -> str:
        if "time" in self.chosen:
            return self.chosen["time"]
        times = [name for name in TIMES if name in self.lower]
        if is_wide and len(times) > 1:  # the first that is written; the others are tickers
            spelt = [name for name in self.names if plain_name(name) in times]
            if all(_TICKER.fullmatch(name) for name in spelt[1:]):
                return spelt[0]
        if not times:
            times = [name for name in UNNAMED if name in self.lower][:1]
        if len(times) != 1:
            what = f"several time columns: {', '.join(times)}" if times else f"no time column; {self.there}"
            mend = f"have one, called {' or '.join(TIMES[:2])}, or say which: columns: {{time: NAME}}"
            if "price" in self.lower and not times:
                mend += (
                    "; if several lines of header stand on top, as in downloads, they were not known as such"
                )
            raise refuse(self.source, what, mend, "missing_column")
        return self._only(times[0])

    def _wide(self, time: str) -> Layout:
        twice = sorted(
            {
                name
                for spelt in self.lower.values()
                for name in spelt
                if len(spelt) > 1 and spelt.count(name) > 1
            }
        )
        if twice:
            what = f"columns come twice: {', '.join(repr(plain_name(name)) for name in twice)}"
            raise refuse(self.source, what, "keep one of each", "repeated_column")
        if self.options.adjusted or self.options.extra:
            raise refuse(
                self.source,
                "it has closes only, a column for each instrument",
                "leave adjusted and extra out",
                "missing_column",
            )
        counters = tuple(name for name in self.names if plain_name(name) in UNNAMED and name != time)
        called = [name for name in self.names if name != time and plain_name(name) in (*FIELDS, *TIMES)]
        remarks = (
            (f"{self.source}: {', '.join(called)} is taken for a ticker, as the other columns are",)
            if called
            else ()
        )
        return Layout(time, None, {}, counters=counters, remarks=remarks)

    def _other(self, fields: set[str]) -> tuple[str, str] | None:
        """Return what this is and what would do, where columns tell that they are no bars."""
        there = {*self.lower}
        for columns, what, mend in _OTHERS:
            needed = {*columns.split()}
            is_bar = "close" in {*there, *fields} and not needed & {"strike", "contract_month"}
            if needed <= there and not is_bar:
                return what, mend
        return None

    def _refuse_others(self, symbol: str | None, fields: Mapping[str, str]) -> None:
        other = None if symbol is not None and "symbol" in self.chosen else self._other({*fields})
        if other is not None:
            raise refuse(self.source, f"it is {other[0]}; {self.there}", other[1], "other_data")

    def _no_close(self) -> DataError:
        mend = "give the closes: bars have one; or say which column it is, as columns: {close: Price}"
        return refuse(self.source, f"no column close; {self.there}", mend, "missing_column")


def may_count(name: str) -> bool:
    """Say whether a column of a wide table is called as a count of its rows: id, No., #, row_num, 0."""
    bare = re.sub(r"[_\-. ]", "", plain_name(name))
    return plain_name(name) in UNNAMED or _COUNTS.fullmatch(bare) is not None


def plain_name(name: str) -> str:
    """Return a column's name as it is compared."""
    return _NUMBERED.sub("", name.strip().lower())
