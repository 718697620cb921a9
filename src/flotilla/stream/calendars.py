"""When exchanges trade, by the package exchange_calendars: the one file that asks it.

It holds pandas, 100 MB and a second to load, so nothing of it is loaded before it is asked.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from flotilla.errors import UnknownName


class TradingDay(NamedTuple):
    """A day on which an exchange trades, beside its usual ones."""

    day: date
    opens_late: timedelta
    closes_early: timedelta


class TradingDays(NamedTuple):
    """The days on which an exchange trades. end: the last day of which it is known whether it does."""

    zone: str
    days: list[TradingDay]
    end: date


def calendar_names() -> list[str]:
    """Return the calendars that there are, as XNYS, XBOM, XLON or 24/7, and their other names."""
    with _quiet():
        import exchange_calendars  # type: ignore[import-untyped]

        return list(exchange_calendars.get_calendar_names(include_aliases=True))


def calendar_of(name: str, first: date | None = None, last: date | None = None) -> Any:
    """Return the package's own calendar, of at least some days; UnknownName for no such one."""
    if name not in (names := calendar_names()):
        raise UnknownName("calendar", name, names)
    bounds = {"start": first, "end": last}
    with _quiet():
        import exchange_calendars

        given = {key: day.isoformat() for key, day in bounds.items() if day}
        return exchange_calendars.get_calendar(name, **given)


def trading_days(name: str, first: date, last: date) -> TradingDays:
    """Return the days from `first` to `last` on which an exchange trades; UnknownName for no such one.

    Some calendars are made for the years whose holidays are known, and end before `last`.
    """
    calendar = calendar_of(name)
    end = min(last, calendar.last_session.date())
    table = calendar.schedule.loc[str(max(first, calendar.first_session.date())) : str(end)]
    days = []
    for session, opens, closes in zip(table.index, table["open"], table["close"], strict=True):
        day = session.date()
        usual_open = _usual(calendar.open_times, day, calendar.open_offset, calendar.tz)
        usual_close = _usual(calendar.close_times, day, calendar.close_offset, calendar.tz)
        late, early = opens.to_pydatetime() - usual_open, usual_close - closes.to_pydatetime()
        days.append(TradingDay(day, late, early))
    return TradingDays(str(calendar.tz), days, end)


def _usual(times: Iterable[tuple[Any, time]], day: date, offset: int, zone: Any) -> datetime:
    """Return when an exchange opens or closes on a day like others. times: (since when, time of day)."""
    at = next(at for since, at in reversed([*times]) if since is None or since.date() <= day)
    return datetime.combine(day + timedelta(days=offset), at, ZoneInfo(str(zone))).astimezone(UTC)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what pandas says to the package's makers: it is for them to heed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
