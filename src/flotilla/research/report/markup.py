"""HTML that cannot be broken by what it shows.

`tag` escapes every string that it is given, in text and in attributes. Only `Markup`, which is what `tag`
returns, goes through as it is. So a name that a user chose is text wherever it ends up, and forgetting to
escape is not possible: there is nothing to remember.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

Attribute = str | int | float | bool | None
VOID = frozenset({"meta", "input", "img", "br", "hr"})


class Markup(str):
    """A string that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *children: str | None, **attributes: Attribute) -> Markup:
    """Return an element. None children and attributes are left out; True is an attribute without a value.

    An underscore in an attribute's name is a hyphen, one at its end is not there.

    >>> tag("p", "a < b", tag("b", "c"), class_="note", hidden=None)
    '<p class="note">a &lt; b<b>c</b></p>'
    """
    opening = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Markup(f"<{name}{opening}>")
    return Markup(f"<{name}{opening}>{join(children)}</{name}>")


def join(children: Iterable[str | None]) -> Markup:
    """Return the children side by side, escaped where they are not HTML yet."""
    return Markup("".join(text(child) for child in children if child is not None))


def text(child: str) -> Markup:
    """Return `child` as HTML."""
    return child if isinstance(child, Markup) else Markup(escape(child, quote=False))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f' {name}="{escape(shown, quote=True)}"'
