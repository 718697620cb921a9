"""Figures and values in words, the same everywhere: "1 bar" and "2 bars", "1 minute", a value cut short."""

from __future__ import annotations

_MOST = 80  # letters of a value in a message
_NS = 1_000_000_000
_UNITS = (
    ("year", 365.2425 * 86_400),
    ("day", 86_400.0),
    ("hour", 3_600.0),
    ("minute", 60.0),
    ("second", 1.0),
)


def counted(count: int, one: str, several: str = "") -> str:
    """Return how many there are of something. several: the word for more than one, where it is not one + "s".

    >>> counted(1, "bar"), counted(2024, "bar"), counted(2, "entry", "entries")
    ('1 bar', '2,024 bars', '2 entries')
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def lasting(ns: float) -> str:
    """Return how long something is, in the largest unit that it fills; up to two years in days.

    >>> lasting(60e9), lasting(4 * 86400e9), lasting(2774.3 * 86400e9), lasting(0.25e9)
    ('1 minute', '4 days', '7.6 years', '0.25 seconds')
    """
    seconds = ns / _NS
    for unit, long in _UNITS:
        if seconds >= (2 * long if unit == "year" else long) or unit == "second":
            figure = f"{seconds / long:.1f}".removesuffix(".0") if seconds >= 1 else f"{seconds / long:.3g}"
            return f"{figure} {unit if figure == '1' else f'{unit}s'}"
    raise AssertionError("unreachable")


def cut(value: object) -> str:
    """Return a value as it is written in code, and of a long one its beginning and its length.

    Of a table, a series or an array of more than a line, its kind and its shape.

    >>> cut("NO"), cut("x" * 1_000_000)[:12], cut("x" * 1_000_000)[-26:]
    ("'NO'", "'xxxxxxxxxxx", '... (1,000,000 characters)')
    """
    if isinstance(value, str | bytes) and len(value) > _MOST:
        return f"{value[:_MOST]!r} ... ({len(value):,} characters)"
    try:
        told = repr(value)
    except ValueError:  # more digits than Python writes out
        return "a number of thousands of digits"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and "\n" in told:
        kind = type(value).__name__
        return f"{'an array' if kind == 'ndarray' else f'a {kind}'} of {' by '.join(f'{n:,}' for n in shape)}"
    told = " ".join(told.split()) if "\n" in told else told
    return told if len(told) <= _MOST else f"{told[:_MOST]} ... ({len(told):,} characters)"
