"""Numbers as people and web pages write them: 1,234.50, $187.15, 12.5K, 1.2M, 0.42%, and - for none."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from flotilla.errors import ConfigError

NULLS = ("", "NaN", "nan", "NAN", "NA", "N/A", "n/a", "null", "NULL", "None", "-", "--")
_POWERS = (("K", "e3"), ("M", "e6"), ("B", "e9"), ("T", "e12"))
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)(e\d+)?$"


def numbers_of(column: pa.Array, decimal: str, thousands: str | None, *, amounts: bool) -> pa.Array:
    """Return texts as numbers, null where none is published or the text is no number; see `strange`.

    thousands: between groups of three digits. amounts: K, M, B and T multiply; $ and % are left out.
    """
    text = bare(column, decimal, thousands, amounts=amounts)
    return pc.if_else(_are_numbers(text), text, pa.scalar(None, pa.string())).cast(pa.float64())


def strange(column: pa.Array, decimal: str, thousands: str | None, *, amounts: bool) -> pa.Array:
    """Return where a text is neither a number nor an empty cell, bool[N]."""
    text = bare(column, decimal, thousands, amounts=amounts)
    return pc.and_(text.is_valid(), pc.invert(_are_numbers(text)))


def bare(column: pa.Array, decimal: str, thousands: str | None, *, amounts: bool) -> pa.Array:
    """Return texts as a computer writes numbers, null where they stand for nothing."""
    if thousands is not None and (len(thousands) != 1 or thousands == decimal or thousands.isdigit()):
        raise ConfigError(f"thousands {thousands!r} is not one character other than the decimal {decimal!r}")
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    text = pc.if_else(pc.is_in(text, pa.array(NULLS)), pa.scalar(None, pa.string()), text)
    if amounts:
        text = pc.replace_substring_regex(text, r"^([+-]?)[$€£¥₹]", r"\1")
        text = pc.replace_substring_regex(text, r"%$", "")
        for letter, power in _POWERS:
            text = pc.replace_substring_regex(text, f"[{letter}{letter.lower()}]$", power)
    if thousands is not None:
        # Only where groups of three stand behind it: 1,23 is no number.
        mark = f"\\x{{{ord(thousands):x}}}"
        grouped = pc.match_substring_regex(text, rf"^[+-]?\d{{1,3}}({mark}\d{{3}})+(\D|$)")
        text = pc.if_else(pc.fill_null(grouped, False), pc.replace_substring(text, thousands, ""), text)
    return text if decimal == "." else pc.replace_substring(text, decimal, ".")


def _are_numbers(text: pa.Array) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(text, _NUMBER), False)
