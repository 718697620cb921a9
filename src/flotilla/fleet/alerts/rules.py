"""Who is told what, now: (state, event, now) -> (state, messages). Nothing here sends.

A *matter* is what is wrong with a platform: its name and what it is told apart by. It is

1. told once in a window, however often it is raised; repeats are counted and told after it;
2. held back in quiet hours if it can wait, and when messages come too fast: what was held
   is gathered into one message once that may go (a token bucket, `_filled`);
3. told to the next list of people if nobody acknowledges it in time, counted from when it was told, and in
   quiet hours not, if it can wait;
4. done with when it was acknowledged, or there is nobody left to tell. Raised after that it is a new one.

The state is a plain value, kept in one transaction with the messages (outbox.py): a crash
between any two events repeats neither and loses neither. Times are ns since 1970 UTC, since
they must outlive this process; where the clock goes back, a window is over at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from flotilla.fleet.spec.preferences import SEVERITIES, Alerts, Quiet, Severity

_SECOND = 1_000_000_000
_LINES = 20  # of what was held, in one message; the rest is counted
_MOST_HELD = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Raised(Struct, frozen=True, tag=True):
    """Something is wrong. platform: "" for the fleet as a whole. about: what it is told apart by."""

    platform: str
    about: str
    severity: Severity
    text: str


class Acknowledged(Struct, frozen=True, tag=True):
    """A person has seen it. platform, about: "" is all of them."""

    platform: str = ""
    about: str = ""
    who: str = ""


class TimePassed(Struct, frozen=True, tag=True):
    """Time has passed."""


class Matter(Struct, frozen=True):
    """What is wrong, and who knows."""

    platform: str
    about: str
    severity: Severity
    text: str
    raised_ns: int
    told_ns: int  # the window's beginning
    repeats: int = 0  # in this window, untold
    told_to: int = 0  # the last list that was told
    since_ns: int = 0  # when it was; 0: its line is held still
    acknowledged: bool = False


class Held(Struct, frozen=True):
    """A line that waits to be told to the first list. key: of the matter that it is about."""

    severity: Severity
    line: str
    key: str = ""


class Message(Struct, frozen=True):
    """What goes out. to: the number of a list."""

    to: int
    severity: Severity
    title: str
    body: str


class AlertState(Struct, frozen=True):
    """What is remembered."""

    matters: dict[str, Matter] = {}
    held: tuple[Held, ...] = ()
    dropped: int = 0  # lines that were too many to hold
    tokens: float | None = None  # messages that may go at once; None: as many as ever may
    filled_ns: int = 0


AlertEvent = Raised | Acknowledged | TimePassed
Next = tuple[AlertState, tuple[Message, ...]]


def step(state: AlertState, event: AlertEvent, now_ns: int, wanted: Alerts) -> Next:
    """Return the state after `event`, and the messages that go out now."""
    state = _filled(state, now_ns, wanted)
    if isinstance(event, Raised):
        return _raised(state, event, now_ns, wanted)
    if isinstance(event, Acknowledged):
        return _acknowledged(state, event)
    state, repeated = _windows_over(state, now_ns, wanted)
    state, escalated = _escalated(state, now_ns, wanted)
    state, gathered = _let_go(state, now_ns, wanted)
    return state, (*repeated, *escalated, *gathered)


def is_quiet(quiet: Quiet | None, now_ns: int) -> bool:
    """Return whether `now_ns` lies in the quiet hours of their zone."""
    if quiet is None:
        return False
    at = (_EPOCH + timedelta(seconds=now_ns // _SECOND)).astimezone(ZoneInfo(quiet.zone)).strftime("%H:%M")
    if quiet.start <= quiet.stop:
        return quiet.start <= at < quiet.stop
    return at >= quiet.start or at < quiet.stop


def _raised(state: AlertState, event: Raised, now_ns: int, wanted: Alerts) -> Next:
    if _rank(event.severity) < _rank(wanted.least):
        return state, ()
    key = f"{event.platform}\n{event.about}"
    known = state.matters.get(key)
    if known is not None and known.acknowledged:
        known = None
    if (
        known is not None
        and _rank(event.severity) <= _rank(known.severity)
        and _in_window(known, now_ns, wanted)
    ):
        return _with(state, key, replace(known, repeats=known.repeats + 1, text=event.text)), ()
    raised = Matter(event.platform, event.about, event.severity, event.text, now_ns, now_ns)
    if known is not None:  # it goes on: who was told stays told
        raised = replace(raised, raised_ns=known.raised_ns, told_to=known.told_to, since_ns=known.since_ns)
    return _told(_with(state, key, raised), key, _line(raised), now_ns, wanted)


def _acknowledged(state: AlertState, event: Acknowledged) -> Next:
    seen = {
        key: matter
        for key, matter in state.matters.items()
        if event.platform in ("", matter.platform) and event.about in ("", matter.about)
        if not matter.acknowledged
    }
    # Whoever was called after the first list is told that somebody has it in hand.
    called = sorted({to for matter in seen.values() for to in range(1, matter.told_to + 1)})
    lines = [_line(matter) for matter in seen.values() if matter.told_to]
    title = f"acknowledged{f' by {event.who}' if event.who else ''}"
    messages = tuple(Message(to, "info", title, _text(lines)) for to in called)
    after = {key: replace(matter, acknowledged=True) for key, matter in seen.items()}
    held = tuple(line for line in state.held if line.key not in seen)
    return replace(state, matters=state.matters | after, held=held), messages


def _windows_over(state: AlertState, now_ns: int, wanted: Alerts) -> Next:
    """Tell of the repeats in windows that are over; forget matters that are done with."""
    messages: tuple[Message, ...] = ()
    for key, matter in state.matters.items():
        if _in_window(matter, now_ns, wanted):
            continue
        if matter.repeats and not matter.acknowledged:
            again = replace(matter, told_ns=now_ns, repeats=0)
            line = f"{_line(matter)} ({matter.repeats} more since {_clock(matter.told_ns)})"
            state, more = _told(_with(state, key, again), key, line, now_ns, wanted)
            messages += more
        elif matter.acknowledged or not _goes_on(matter, wanted):
            state = replace(state, matters={k: m for k, m in state.matters.items() if k != key})
    return state, messages


def _escalated(state: AlertState, now_ns: int, wanted: Alerts) -> Next:
    """Tell the next list what the list before it has not acknowledged, in one message each."""
    messages = []
    for to, people in enumerate(wanted.lists):
        late = {
            key: matter
            for key, matter in state.matters.items()
            if matter.told_to == to - 1 and matter.since_ns and _goes_on(matter, wanted)
            if not _must_wait(matter.severity, now_ns, wanted)
            if now_ns - matter.since_ns >= people.after_minutes * 60 * _SECOND
        }
        if to and late and _can_send(state):
            state = _spent(state)
            told = {key: replace(matter, told_to=to, since_ns=now_ns) for key, matter in late.items()}
            state = replace(state, matters=state.matters | told)
            worst = max((matter.severity for matter in late.values()), key=_rank)
            lines = [f"{_line(matter)}, since {_clock(matter.raised_ns)}" for matter in late.values()]
            title = f"nobody acknowledged for {people.after_minutes:g} min"
            messages.append(Message(to, worst, title, _text(lines)))
    return state, tuple(messages)


def _let_go(state: AlertState, now_ns: int, wanted: Alerts) -> Next:
    """Tell in one message what was held and may go."""
    may = tuple(held for held in state.held if not _must_wait(held.severity, now_ns, wanted))
    if not may or not _can_send(state):
        return state, ()
    lines = [held.line for held in may]
    if state.dropped:
        lines.append(f"and {state.dropped} more, which were too many to keep")
    stay = tuple(held for held in state.held if _must_wait(held.severity, now_ns, wanted))
    worst = max((held.severity for held in may), key=_rank)
    title = lines[0] if len(lines) == 1 else f"{len(lines)} alerts"
    waiting = {held.key for held in stay}
    told = [key for key in state.matters if key not in waiting]
    state = _spent(_known(replace(state, held=stay, dropped=0), told, now_ns))
    return state, (Message(0, worst, title, _text(lines)),)


def _told(state: AlertState, key: str, line: str, now_ns: int, wanted: Alerts) -> Next:
    """Send a line about a matter to the first list, or hold it back."""
    matter = state.matters[key]
    # Behind those that wait for a token: they go together. Those of the quiet hours are passed.
    first = all(_must_wait(held.severity, now_ns, wanted) for held in state.held)
    if first and _can_send(state) and not _must_wait(matter.severity, now_ns, wanted):
        return _spent(_known(state, [key], now_ns)), (Message(0, matter.severity, line, ""),)
    if len(state.held) >= _MOST_HELD:
        return replace(state, dropped=state.dropped + 1), ()
    return replace(state, held=(*state.held, Held(matter.severity, f"{_clock(now_ns)} {line}", key))), ()


def _known(state: AlertState, keys: Iterable[str], now_ns: int) -> AlertState:
    """Take note that the first list was told of matters: from now on somebody may acknowledge them."""
    new = {
        key: replace(matter, since_ns=now_ns) for key in keys if not (matter := state.matters[key]).since_ns
    }
    return replace(state, matters=state.matters | new)


def _must_wait(severity: Severity, now_ns: int, wanted: Alerts) -> bool:
    quiet = wanted.quiet
    return quiet is not None and _rank(severity) < _rank(quiet.least) and is_quiet(quiet, now_ns)


def _goes_on(matter: Matter, wanted: Alerts) -> bool:
    """Return whether there is a list that may have to be told yet."""
    last = matter.told_to >= len(wanted.lists) - 1
    return not matter.acknowledged and not last and _rank(matter.severity) >= _rank(wanted.escalate)


def _in_window(matter: Matter, now_ns: int, wanted: Alerts) -> bool:
    return 0 <= now_ns - matter.told_ns < wanted.window_s * _SECOND


def _filled(state: AlertState, now_ns: int, wanted: Alerts) -> AlertState:
    if state.tokens is None:
        return replace(state, tokens=float(wanted.burst), filled_ns=now_ns)
    passed_s = max(now_ns - state.filled_ns, 0) / _SECOND
    tokens = min(state.tokens + passed_s * wanted.per_minute / 60, float(wanted.burst))
    return replace(state, tokens=tokens, filled_ns=now_ns)


def _can_send(state: AlertState) -> bool:
    return (state.tokens or 0.0) > 1.0 - 1e-9  # a sum of many small parts


def _spent(state: AlertState) -> AlertState:
    return replace(state, tokens=(state.tokens or 0.0) - 1.0)


def _with(state: AlertState, key: str, matter: Matter) -> AlertState:
    return replace(state, matters=state.matters | {key: matter})


def _rank(severity: Severity) -> int:
    return SEVERITIES.index(severity)


def _line(matter: Matter) -> str:
    return f"{matter.severity}: {matter.platform or 'fleet'}: {matter.text or matter.about}"


def _text(lines: Iterable[str]) -> str:
    lines = [*lines]
    more = len(lines) - _LINES
    return "\n".join([*lines[:_LINES], f"and {more} more"] if more > 0 else lines)


def _clock(ns: int) -> str:
    return f"{_EPOCH + timedelta(seconds=ns // _SECOND):%d %b %H:%M:%S} UTC"
