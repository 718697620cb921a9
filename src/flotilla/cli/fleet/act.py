"""`flotilla fleet start | stop | restart | drain | down | ack`: say what it means, ask, wait for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.text import Text

from flotilla.cli import say
from flotilla.cli.arguments import Json
from flotilla.cli.fleet import show
from flotilla.cli.fleet.agree import agree
from flotilla.cli.fleet.find import FoundFleet, Names, ReasonOption, Several, Which, Yes, find_fleet
from flotilla.cli.fleet.settle import LOOK_S, News, settled
from flotilla.clock import monotonic_ns, sleep
from flotilla.errors import ConfigError, DataError, ProcessError
from flotilla.fleet.control.status import FleetStatus, lives, underway, well
from flotilla.fleet.rules.plan import StartOrder, others

WAIT_S = 600.0  # for what a command asked for; each platform has deadlines of its own, far shorter
_LETS_GO_S = 10.0  # after it stopped listening
NoWait = Annotated[bool, Parameter(help="Return when it was accepted, not when it is done.")]


def start(
    names: Names = (),
    /,
    *,
    why: ReasonOption = "",
    no_wait: NoWait = False,
    fleet: Which = None,
    json: Json = False,
) -> int:
    """Start platforms, and first what they need."""
    found = find_fleet(fleet)
    status = found.client().status()
    undone = tuple(p.name for p in status.platforms if p.state != "completed")  # once is enough
    meant = _meant(found, names) or undone
    levels = _plan(found, "start", names or undone) if meant else ()
    if not levels:
        return _ended(status, "start", meant, json)  # it runs already
    if not json:
        say.note(Text.assemble("starting ", show.order(levels, meant)))
    waited_for = {*_flat(levels), *(meant if names else ())}
    return _do(found, "start", names or _flat(levels), why, waited_for, no_wait, json)


def stop(
    names: Several,
    /,
    *,
    yes: Yes = False,
    why: ReasonOption = "",
    no_wait: NoWait = False,
    fleet: Which = None,
    json: Json = False,
) -> int:
    """Stop platforms, and first those that need them."""
    found, levels = _agreed("stop", names, yes, json, fleet)
    return _do(found, "stop", names, why, _flat(levels), no_wait, json)


def restart(
    names: Several,
    /,
    *,
    yes: Yes = False,
    why: ReasonOption = "",
    no_wait: NoWait = False,
    fleet: Which = None,
    json: Json = False,
) -> int:
    """Stop platforms and start them again, with those that their group's policy takes along."""
    found = find_fleet(fleet)
    status = found.client().status()
    levels = _plan(found, "restart", names)
    along = [name for name in others(levels, names) if name in _running(status)]
    poorer = _poorer(status, levels, _plan(found, "stop", names))
    if poorer and not json:
        say.note(f"degraded until it is back: {', '.join(poorer)}")
    head = f"restart {', '.join(names)}"
    head += f": {', '.join(along)} of its group will start again as well" if along else ""
    held = _positions(found, levels, json)
    _ask(head, levels, names, yes, json, ask=bool(along) or held)
    return _do(found, "restart", names, why, {*_flat(levels), *poorer}, no_wait, json)


def drain(
    names: Several,
    /,
    *,
    yes: Yes = False,
    why: ReasonOption = "",
    no_wait: NoWait = False,
    fleet: Which = None,
    json: Json = False,
) -> int:
    """Ask platforms to settle what is in flight, then stop them."""
    found, levels = _agreed("drain", names, yes, json, fleet)
    return _do(found, "drain", names, why, _flat(levels), no_wait, json)


def down(
    *,
    yes: Yes = False,
    why: ReasonOption = "",
    no_wait: NoWait = False,
    fleet: Which = None,
    json: Json = False,
) -> int:
    """Stop all, in order, and end the supervisor."""
    found = find_fleet(fleet)
    levels = _plan(found, "down")
    _positions(found, levels, json)
    _ask(f"This takes {found.name} down", levels, _flat(levels), yes, json, ask=bool(levels))
    news = News(found)
    answer = found.client().ask("down", why=why)
    if no_wait:
        return _tell({"accepted": True, **_mapping(answer)}, json, "accepted")
    late = settled(found, None, WAIT_S, news=None if json else news, until=lambda _: False, grace_s=0.0)
    if late is not None and (left := [f"{p.name} is {p.state}" for p in late.platforms if lives(p)]):
        raise ProcessError(
            f"after {WAIT_S:g} s {', '.join(left)}; it goes on by itself. Look: flotilla fleet status"
        )
    _ended_well(found, news, json)
    return _tell({"down": True, "stopped": levels}, json, f"{found.name} is down")


def ack(names: Names = (), /, *, why: ReasonOption = "", fleet: Which = None, json: Json = False) -> int:
    """Say that you have seen the alerts, so that they do not escalate."""
    found = find_fleet(fleet)
    answer = found.client().ask("ack", names, why=why)
    told = f"acknowledged: {', '.join(names) or 'all alerts'}"
    return _tell({"acknowledged": list(names) or "all", **_mapping(answer)}, json, told)


def _ended_well(found: FoundFleet, news: News, json: bool) -> None:
    """Wait until the supervisor has let go; ProcessError if it died instead of coming to its end."""
    end_ns = monotonic_ns() + int(_LETS_GO_S * 1e9)
    while found.folder.holder() is not None and monotonic_ns() < end_ns:
        sleep(LOOK_S)
    if not json:
        news.tell()
    if found.folder.holder() is not None or not _said_its_end(found):
        raise ProcessError(f"{found.name} did not come to its end. Look: flotilla fleet status")


def _said_its_end(found: FoundFleet) -> bool:
    """Return whether the last event is the end; where events cannot be read, the empty folder is enough."""
    try:
        with closing(found.events()) as reader:
            last = reader.read(reader.last_seq())
    except DataError:
        return True
    return bool(last) and last[-1].kind == "fleet_stopped"


def _agreed(
    command: str, names: Sequence[str], yes: bool, json: bool, which: str | None
) -> tuple[FoundFleet, StartOrder]:
    """Return the fleet, and who stops in which order, once that was said and agreed to."""
    found = find_fleet(which)
    levels = _plan(found, command, names)
    more = others(levels, names)
    head = f"{command} {', '.join(names)}"
    head += f": {', '.join(more)} will stop as well" if more else ""
    held = _positions(found, levels, json)
    _ask(head, levels, names, yes, json, ask=bool(more) or held)
    return found, levels


def _plan(found: FoundFleet, command: str, names: Sequence[str] = ()) -> StartOrder:
    """Return what the supervisor would do if it was asked for this now."""
    return msgspec.convert(found.client().ask("plan", names, data={"of": command})["order"], StartOrder)


def _poorer(status: FleetStatus, again: StartOrder, stop: StartOrder) -> tuple[str, ...]:
    """Return those that are degraded until `again` are back, in the order of a stop.

    A need on `completed` counts at the start alone, and one on `started` is there while that one is degraded.
    """
    gone, poorer = set(_flat(again)), set[str]()
    needs = {platform.name: platform.needs for platform in status.platforms}
    runs = others(stop, gone)
    for name in reversed(runs):  # what is needed comes before who needs it
        lost = {need for need, condition in needs.get(name, {}).items() if condition != "completed"}
        if lost & gone or any(needs[name][need] == "ready" for need in lost & poorer):
            poorer.add(name)
    return tuple(name for name in runs if name in poorer)


def _meant(found: FoundFleet, names: Sequence[str]) -> tuple[str, ...]:
    """Return the platforms that are named, a sequence's for its name."""
    stages = found.spec().sequences.get(names[0]) if len(names) == 1 else None
    return tuple(names) if stages is None else _flat(stages)


def _positions(found: FoundFleet, levels: StartOrder, json: bool) -> bool:
    """Say which of those that would stop hold positions, and what becomes of them; return if any does."""
    platforms = found.spec().platforms
    holding = [name for name in _flat(levels) if name in platforms and platforms[name].holds_positions]
    for name in holding if not json else ():
        settles = (
            "is asked to settle first" if platforms[name].drain else "has no drain: they stay as they are"
        )
        say.note(say.warning(f"{name} holds positions, and {settles}"))
    return bool(holding)


def _ask(head: str, levels: StartOrder, named: Sequence[str], yes: bool, json: bool, *, ask: bool) -> None:
    """Say in which order platforms stop; ask if that is more than was named."""
    if not json:
        say.note(head if ask else "nothing else stops" if levels else "nothing of it runs")
        if len(_flat(levels)) > 1:
            say.note(Text.assemble("  in this order: ", show.order(levels, named)))
    if ask:
        agree(head, yes, json)


def _do(
    found: FoundFleet,
    command: str,
    names: Sequence[str],
    why: str,
    wait_for: Collection[str],
    no_wait: bool,
    json: bool,
) -> int:
    """Ask for it, wait until it is settled, and tell how it ended."""
    news = News(found)
    answer = _mapping(found.client().ask(command, names, why=why))
    if no_wait:
        return _tell({"accepted": True, **answer}, json, "accepted; follow it with: flotilla fleet events -f")
    status = settled(found, wait_for, WAIT_S, news=None if json else news)
    if status is None:
        raise ConfigError(f"{found.name} went down meanwhile")
    return _ended(status, command, wait_for, json)


def _ended(status: FleetStatus, command: str, names: Collection[str], json: bool) -> int:
    """Tell how those that were waited for are now; return 0 if that is as it was asked."""
    concerned = [platform for platform in status.platforms if platform.name in set(names)]
    starts = command in ("start", "restart")
    wrong = [platform for platform in concerned if (not well(platform) if starts else lives(platform))]
    if json:
        say.show_json({"ok": not wrong, "platforms": concerned})
        return 1 if wrong else 0
    for platform in wrong:
        say.show(show.sentence(platform))
    for name in show.causes(wrong):
        say.note(f"  see: flotilla fleet logs {name}")
    if any(map(underway, wrong)):
        say.note(f"that was waited for {WAIT_S:g} s, and goes on by itself: flotilla fleet status")
    if not wrong:
        told = ", ".join(f"{p.name} {p.state}" for p in concerned) or "nothing to do"
        say.show(say.verdict(told, good=True))
    return 1 if wrong else 0


def _running(status: FleetStatus) -> list[str]:
    return [platform.name for platform in status.platforms if lives(platform) or underway(platform)]


def _flat(levels: StartOrder) -> tuple[str, ...]:
    return tuple(name for level in levels for name in level)


def _mapping(answer: Any) -> dict[str, Any]:
    return answer if isinstance(answer, dict) else {}


def _tell(plain: dict[str, Any], json: bool, words: str) -> int:
    if json:
        say.show_json(plain)
    else:
        say.show(words)
    return 0
