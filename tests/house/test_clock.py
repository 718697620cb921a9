"""The time comes in by one door, `flotilla.clock`; so a replay can stand where the machine's clock stood."""

import ast

DOOR = "src/flotilla/clock.py"
ASKS_A_CALENDAR = {"now", "utcnow", "today"}
CALENDARS = {"datetime", "date", "Timestamp"}


def test_only_the_clock_imports_time(product):
    asking = [
        f"{source.name}:{node.lineno}"
        for source in product
        if source.name != DOOR
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Import) and any(alias.name == "time" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == "time")
    ]

    assert not asking, "\n".join(asking)


def test_nobody_asks_a_calendar_for_today(product):
    asking = [
        f"{source.name}:{node.lineno}"
        for source in product
        if source.name != DOOR
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ASKS_A_CALENDAR
        and last_word(node.value) in CALENDARS
    ]

    assert not asking, "\n".join(asking)


def last_word(node):
    """Return `Timestamp` for `Timestamp`, and for `pandas.Timestamp`."""
    return getattr(node, "id", getattr(node, "attr", ""))
