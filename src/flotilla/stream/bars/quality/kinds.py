"""What a table is, by the names of its columns: bars, or one of the other kinds that markets publish."""

from __future__ import annotations

from collections.abc import Iterable

BAR_TABLE = "bars"
ACTIONS = "corporate actions"
_KINDS = (  # the first that fits; each needs all of its names
    ("option quotes", {"strike", "right", "bid_close", "ask_close"}),
    ("option open interest", {"strike", "right", "open_interest"}),
    ("an option chain", {"strike", "right", "iv"}),
    ("option bars", {"strike", "right", "close"}),
    ("quote bars", {"bid_close", "ask_close"}),
    ("quotes", {"bid", "ask"}),
    ("trades", {"price", "size"}),
    (ACTIONS, {"ex_date", "kind", "value"}),
    ("adjustment factors", {"price_factor", "split_factor"}),
    ("a futures chain", {"root", "contract_month", "close"}),
    ("contracts", {"root", "contract_month", "multiplier"}),
    ("margins", {"initial", "maintenance"}),
    ("open interest", {"open_interest", "ts"}),
    ("rates", {"rate"}),
    ("a symbol map", {"permanent_symbol", "ticker"}),
)
TIMES = ("ts", "timestamp", "datetime", "date", "time", "ex_date", "last_date")
SYMBOLS = ("symbol", "instrument", "ticker", "underlying", "root", "series", "permanent_symbol")


def kind_of(names: Iterable[str]) -> str:
    """Return what a table with these columns is, in words; BARS if it is none of the others.

    >>> kind_of(["ts", "symbol", "price", "size"]), kind_of(["Date", "Close"])
    ('trades', 'bars')
    """
    there = {name.strip().lower() for name in names}
    return next((kind for kind, needed in _KINDS if needed <= there), BAR_TABLE)
