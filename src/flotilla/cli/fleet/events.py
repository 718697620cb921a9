"""`flotilla fleet events`: what happened to a fleet, in order."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from typing import Annotated

import msgspec
from cyclopts import Parameter

from flotilla.cli import say
from flotilla.cli.arguments import Json
from flotilla.cli.fleet import show
from flotilla.cli.fleet.find import FROM_NONE, Names, Which, find_fleet, some
from flotilla.cli.fleet.settle import LOOK_S, News
from flotilla.clock import sleep
from flotilla.errors import UnknownName
from flotilla.fleet.history.events import Event, EventReader
from flotilla.fleet.history.kinds import KINDS

_BATCH = 1000


def events(
    names: Names = (),
    /,
    *,
    lines: Annotated[
        int, Parameter(name=("--lines", "-n"), validator=FROM_NONE, help="How many of the last; else 50.")
    ] = 50,
    from_: Annotated[int | None, Parameter(name="--from", help="All from this number on.")] = None,
    kind: Annotated[tuple[str, ...], Parameter(help="Only of this kind; may be given again.")] = (),
    follow: Annotated[bool, Parameter(name=("--follow", "-f"), help="Go on with what comes.")] = False,
    fleet: Which = None,
    json: Json = False,
) -> None:
    """Show what happened; with --json, a line of JSON for each event. Times are UTC."""
    found = find_fleet(fleet)
    for name in kind:
        if name not in KINDS:
            raise UnknownName("kind of event", name, KINDS)

    def meant(event: Event) -> bool:
        return (not names or event.platform in names) and (not kind or event.kind in kind)

    with closing(found.events()) as reader:
        after = reader.last_seq() + 1
        past = _past(reader, from_, after, lines, meant_by=(names, kind))
    if names and not past and not follow:
        some(
            names, found.spec().platforms
        )  # one that is no more may have events, one that never was has none
    _tell(past, json)
    news = News(found, after)
    while follow:
        _tell([event for event in news.read() if meant(event)], json)
        sys.stdout.flush()
        sleep(LOOK_S)


def _past(
    reader: EventReader,
    first: int | None,
    after: int,
    most: int,
    meant_by: tuple[Sequence[str], Sequence[str]],
) -> list[Event]:
    """Return the events from `first` on, or the last `most`, of the platforms and kinds that are meant."""
    names, kinds = meant_by
    kept: list[Event] = []
    end = after
    at = first if first is not None else max(end - _BATCH, 1)
    while True:
        batch, cursor = [], at
        while cursor < end and (part := reader.read(cursor, min(_BATCH, end - cursor))):
            batch += [event for event in part if event.seq < end]
            cursor = part[-1].seq + 1
        fit = (e for e in batch if (not names or e.platform in names) and (not kinds or e.kind in kinds))
        kept = [*fit, *kept]
        if first is not None:
            return kept
        if len(kept) >= most or at <= reader.first_seq():
            return kept[-most:] if most else []
        end, at = at, max(at - _BATCH, 1)


def _tell(told: Sequence[Event], json: bool) -> None:
    widest = max((len(event.platform) for event in told), default=0)
    for event in told:
        if json:
            sys.stdout.write(msgspec.json.encode(event).decode() + "\n")
        else:
            say.show(show.event_line(event, max(widest, 8)))
