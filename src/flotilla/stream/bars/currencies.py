"""Prices of several currencies in one panel: they would be added up, so it is said."""

from __future__ import annotations

import re
from collections.abc import Sequence

# What instruments of an exchange are priced in, by the end that vendors give their names.
_SUFFIXES = {
    "NS": "INR", "BO": "INR", "L": "GBP", "DE": "EUR", "F": "EUR", "PA": "EUR", "AS": "EUR", "MI": "EUR",
    "MC": "EUR", "BR": "EUR", "LS": "EUR", "VI": "EUR", "HE": "EUR", "SW": "CHF", "ST": "SEK", "CO": "DKK",
    "OL": "NOK", "T": "JPY", "HK": "HKD", "TO": "CAD", "V": "CAD", "AX": "AUD", "NZ": "NZD", "SS": "CNY",
    "SZ": "CNY", "SH": "CNY", "KS": "KRW", "KQ": "KRW", "SI": "SGD", "TW": "TWD", "SA": "BRL", "MX": "MXN",
    "JO": "ZAR", "TA": "ILS", "IS": "TRY", "US": "USD",
}  # fmt: skip
_MONEY = "USDT|USDC|BUSD|USD|EUR|GBP|JPY|CHF|AUD|CAD|NZD|INR|TRY|BRL|KRW|BTC|ETH|BNB"
_PAIR = re.compile(rf"[A-Z0-9]{{2,}}[-/_:]?({_MONEY})(:[A-Z]+)?(=X)?")
_DOLLARS = {"USDT": "USD", "USDC": "USD", "BUSD": "USD"}


def currencies_told(instruments: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence where the names say that prices are in several currencies."""
    found: dict[str, str] = {}
    for instrument in instruments:
        found.setdefault(_currency_of(instrument), instrument)
    if all(_PAIR.fullmatch(instrument) is None for instrument in instruments) and "" in found:
        found["USD"] = found.pop("") if "USD" not in found else found["USD"]
    found.pop("", None)
    if len(found) < 2:
        return ()
    told = ", ".join(f"{instrument} in {money}" for money, instrument in sorted(found.items()))
    return (f"prices seem to be in several currencies ({told}), and are added up as if in one",)


def _currency_of(instrument: str) -> str:
    _, dot, suffix = instrument.rpartition(".")
    if dot and suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    pair = _PAIR.fullmatch(instrument)
    return _DOLLARS.get(pair[1], pair[1]) if pair and len(instrument) >= 6 else ""
