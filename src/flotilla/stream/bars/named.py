"""What the only instrument of a file is called, by the file's name: AAPL of prices_AAPL_daily_2020.csv.

1. A name as a vendor's download has it: `AAPL Historical Data`, `BATS_AAPL, 1D`, `aapl_us_d`, `EURUSD60`.
2. Else the one word that is left without those that say what is in a file, and without a year or a month.
3. Else all of it: BTC-USD, ES-202403 and AAPL.US are names as they are.
"""

from __future__ import annotations

import re

_COPY = re.compile(r" ?\(\d+\)$")  # what a browser adds to a second download
_VENDORS = (
    re.compile(r"(?P<name>.+) Historical Data"),  # Investing.com
    re.compile(r"[A-Z0-9]+_(?P<name>[^,]+), \d*[A-Za-z]*"),  # TradingView
    re.compile(r"(?P<name>[A-Z]{6})(1|5|15|30|60|240|1440|10080|43200)"),  # MetaTrader 4: minutes of a bar
)
_STOOQ = re.compile(r"(?P<name>\^?[a-z0-9.-]+?)(?:_(?P<market>us|uk|de|jp|hk|hu|f|v|c))?_[dwmqy]")
_PARTS = re.compile(r"[_\s]+")
_SAID = re.compile(
    r"prices?|quotes?|data|history|historical|hist|stocks?|etfs?|equity|bars?|candles?|klines?|ohlcv?|eod"
    r"|daily|weekly|monthly|hourly|intraday|minutes?|mins?|days?|adjusted|adj|unadjusted|raw|clean|full"
    r"|\d+(s|sec|m|min|h|hour|d|day|w)|(19|20)\d\d(-\d\d){0,2}",
    re.IGNORECASE,
)


def instrument_of(stem: str) -> str:
    """Return what the only instrument of a file is called. stem: the file's name without its end.

    >>> instrument_of("prices_AAPL_daily_2020"), instrument_of("aapl_us_d"), instrument_of("BTC-USD")
    ('AAPL', 'AAPL.US', 'BTC-USD')
    """
    bare = _COPY.sub("", stem)
    for vendor in _VENDORS:
        if (found := vendor.fullmatch(bare)) is not None:
            return found["name"]
    if (found := _STOOQ.fullmatch(bare)) is not None and _SAID.fullmatch(found["name"]) is None:
        return ".".join(filter(None, (found["name"], found["market"]))).upper()
    left = [part for part in _PARTS.split(bare) if part and _SAID.fullmatch(part) is None]
    return left[0] if len(left) == 1 else bare
