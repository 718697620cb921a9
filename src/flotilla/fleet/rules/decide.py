"""Decide what becomes of one platform: (life, event, now) -> (life, instructions). Pure.

Each event has one function here, in the order of a life; what other platforms have to do with it
is `coordinate.py`'s. Every change of state is one of `states.TABLE`, and is noted.

An event that means nothing in a state changes nothing: a beat of one that is being killed, the
drain of one that has gone. Only what cannot be is refused: two processes of one platform.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from flotilla.errors import InvalidTransition
from flotilla.fleet.rules.budget import ns
from flotilla.fleet.rules.platform_state import SERVING, Life, due_ns, heard, silent_ns
from flotilla.fleet.rules.states import (
    ALIVE,
    LEAVING,
    RUNNING,
    About,
    Adopted,
    Alert,
    Beat,
    Drain,
    Drained,
    Exited,
    Go,
    HostFound,
    HostLost,
    Hung,
    Kill,
    NeedBack,
    NeedLost,
    Note,
    Over,
    Probed,
    Readied,
    Restored,
    Shed,
    Spawn,
    Spawned,
    SpawnFailed,
    Start,
    State,
    Stop,
    Sweep,
    Terminate,
    Tick,
    TimeOver,
)
from flotilla.fleet.rules.transitions import (
    AGAIN_NS,
    Decision,
    clear,
    destroy,
    died,
    drain_ns,
    leave,
    left,
    more,
    terminate,
    to,
    trouble,
)
from flotilla.words import counted


def decide_platform(life: Life, event: About | Tick | HostLost | HostFound, now_ns: int) -> Decision:
    """Return the platform after `event`, and what is to be done. now_ns: monotonic."""
    return _ANSWERS[type(event)](life, event, now_ns)


def _start(life: Life, event: Start, now_ns: int) -> Decision:
    if life.state in LEAVING:
        return replace(life, wanted=True, then="again"), ()
    if life.state in (State.STOPPED, State.FAILED, State.COMPLETED, State.BACKOFF):
        fresh = replace(life, wanted=True, restarts=(), probing=False, last_exit=None)
        return to(fresh, State.WAITING, now_ns, event.why)
    return replace(life, wanted=True), ()


def _go(life: Life, _event: Go, now_ns: int) -> Decision:
    if life.state is not State.WAITING:
        return life, ()
    # What was true of the run before is not true of this one.
    fresh = replace(
        life, runs=life.runs + 1, ready_ns=None, beat_ns=None, troubles=frozenset(), misses=0, kills=0
    )
    until = now_ns + ns(life.platform.startup_timeout)
    return to(fresh, State.STARTING, now_ns, "", Spawn(life.name, 0), until=until)


def _spawned(life: Life, event: Spawned, now_ns: int) -> Decision:
    if life.state not in ALIVE or life.pid is not None:
        raise InvalidTransition(life.state, "spawned")
    life = replace(life, pid=event.pid, begun_ns=now_ns)
    if life.state is State.STARTING:
        return _serving(life, now_ns) if life.platform.readiness[0] == "started" else (life, ())
    # It was asked to stop before there was anyone to ask.
    return life, (Kill(life.name) if life.state is State.KILLING else Terminate(life.name),)


def _spawn_failed(life: Life, event: SpawnFailed, now_ns: int) -> Decision:
    if life.state not in ALIVE or life.pid is not None:
        return life, ()
    if life.state in LEAVING and life.then != "retry":
        return left(life, now_ns)
    return died(life, f"could not be started: {event.reason}", event.jitter, now_ns)


def _readied(life: Life, event: Readied, now_ns: int) -> Decision:
    if life.state is State.STARTING and life.pid is not None:
        return _serving(life, now_ns)
    return _beat(life, event, now_ns)


def _serving(life: Life, now_ns: int) -> Decision:
    took = round((now_ns - life.since_ns) / 1e9, 3)
    life = replace(life, ready_ns=now_ns, beat_ns=now_ns)
    note = Note("ready", life.name, "", {"after_s": took})
    state = State.DEGRADED if life.troubles else State.READY
    return to(life, state, now_ns, ", ".join(sorted(life.troubles)), note)


def _beat(life: Life, _event: Beat | Readied, now_ns: int) -> Decision:
    return (replace(life, beat_ns=now_ns), ()) if heard(life) else (life, ())


def _probed(life: Life, event: Probed, now_ns: int) -> Decision:
    if life.state not in SERVING:
        return life, ()
    if event.ok:
        return clear(replace(life, misses=0), "probe", now_ns)
    life = replace(life, misses=life.misses + 1)
    note = Note("probe_failed", life.name, event.what, {"what": event.what, "misses": life.misses})
    health = life.platform.health
    if health is None or life.misses < health.misses:
        return more(trouble(life, "probe", now_ns), note)
    leaving = leave(
        life, "retry", f"{counted(life.misses, 'probe')} failed in a row: {event.what}", now_ns, drain=False
    )
    return more(leaving, note)


def _need_lost(life: Life, event: NeedLost, now_ns: int) -> Decision:
    return trouble(life, f"needs {event.need}", now_ns)


def _need_back(life: Life, event: NeedBack, now_ns: int) -> Decision:
    return clear(life, f"needs {event.need}", now_ns)


def _host_lost(life: Life, event: HostLost, now_ns: int) -> Decision:
    if life.state not in ALIVE:
        return life, ()
    life = life if life.lost else replace(life, lost=True)
    return (life, ()) if event.held else trouble(life, f"host {event.host} is out of sight", now_ns)


def _host_found(life: Life, event: HostFound, now_ns: int) -> Decision:
    if not life.lost:
        return life, ()
    # Nobody could be heard meanwhile: its deadlines begin anew.
    until = None if life.deadline_ns is None else now_ns + (life.deadline_ns - life.since_ns)
    found = replace(life, lost=False, beat_ns=now_ns, deadline_ns=until)
    return clear(found, f"host {event.host} is out of sight", now_ns)


def _over(life: Life, event: Over, now_ns: int) -> Decision:
    what = f"uses too much: {event.what}"
    if life.state not in ALIVE or event.tier == "ok":
        return life, ()
    if event.tier in ("warn", "shed"):
        asked = (Shed(life.name),) if event.tier == "shed" and life.state in SERVING else ()
        return life, (Alert("warning", life.name, what), *asked)
    if life.state in RUNNING:
        # What holds positions is asked to settle first, whatever the tier.
        drain = event.tier == "drain" or life.platform.holds_positions
        return more(leave(life, "retry", what, now_ns, drain=drain), Alert("critical", life.name, what))
    if life.state is State.DRAINING and event.tier == "stop" and not life.platform.holds_positions:
        return terminate(life, what, now_ns)
    return life, ()


def _stop(life: Life, event: Stop, now_ns: int) -> Decision:
    if event.then == "stop":
        life = replace(life, wanted=False)
    if life.state in LEAVING:
        if event.then == "stop" or (event.then == "again" and life.wanted):
            life = replace(life, then=event.then)
        if life.state is State.DRAINING and life.deadline_ns is None and not event.patient:
            life = replace(life, deadline_ns=now_ns + drain_ns(life))
        return life, ()
    if life.state in RUNNING:
        return leave(life, event.then, event.why, now_ns, patient=event.patient)
    if event.then == "stop" and life.state is not State.STOPPED:
        return to(life, State.STOPPED, now_ns, event.why)
    return life, ()


def _drained(life: Life, _event: Drained, now_ns: int) -> Decision:
    if life.state is not State.DRAINING:
        return life, ()
    took = round((now_ns - life.since_ns) / 1e9, 3)
    return more(terminate(life, "settled", now_ns), Note("drained", life.name, "", {"took_s": took}))


def _time_over(life: Life, _event: TimeOver, now_ns: int) -> Decision:
    if life.lost:
        why = "its host is out of sight: it may run on there"
        gone = replace(life, pid=None, lost=False, troubles=frozenset())
        return to(gone, State.STOPPED, now_ns, why, Alert("critical", life.name, f"left behind: {why}"))
    if life.state not in ALIVE or life.state is State.KILLING:
        return life, ()
    return destroy(life, "the fleet's time to stop is over", now_ns)


def _exited(life: Life, event: Exited, now_ns: int) -> Decision:
    if life.state not in ALIVE or life.pid is None:
        return life, ()
    ran = round((now_ns - life.begun_ns) / 1e9, 3)
    asked = life.state in LEAVING
    words = _ended(event.code)
    notes = (
        Sweep(life.name),
        Note("exited", life.name, words, {"code": event.code, "asked": asked, "ran_s": ran}),
    )
    life = replace(life, pid=None, last_exit=event.code, lost=False)
    if life.platform.kind == "job" and event.code == 0 and (not asked or life.then == "retry"):
        done = replace(life, wanted=False, restarts=(), probing=False)
        return more(to(done, State.COMPLETED, now_ns, "done"), *notes)
    if asked and life.then != "retry":
        return more(left(life, now_ns), *notes)
    why = life.reason if asked else words
    return more(died(life, why, event.jitter, now_ns), *notes)


def _tick(life: Life, _event: Tick, now_ns: int) -> Decision:
    due = due_ns(life)
    if due is None or due > now_ns:
        return life, ()
    silent = silent_ns(life)
    if silent is not None and silent <= now_ns:
        return _silent(life, (now_ns - (life.beat_ns or now_ns)) / 1e9, now_ns)
    if life.deadline_ns is not None and life.deadline_ns <= now_ns:
        return _late(life, now_ns)
    return replace(life, restarts=(), probing=False), ()  # healthy for long enough


def _hung(life: Life, event: Hung, now_ns: int) -> Decision:
    return _silent(life, event.silent_s, now_ns) if heard(life) else (life, ())


def _silent(life: Life, heard_s: float, now_ns: int) -> Decision:
    why = f"hung: not heard from for {heard_s:.2f} s"
    note = Note("hung", life.name, "", {"silent_s": round(heard_s, 3)})
    alert = Alert("critical", life.name, why)
    life = replace(life, then=life.then if life.state in LEAVING else "retry", kills=1)
    return to(life, State.KILLING, now_ns, why, note, Kill(life.name), alert, until=now_ns + AGAIN_NS)


def _late(life: Life, now_ns: int) -> Decision:
    """Return what follows when a state has lasted as long as it may."""
    match life.state:
        case State.STARTING:
            why = f"not ready within {life.platform.startup_timeout:g} s"
            return leave(life, "retry", why, now_ns, drain=False)
        case State.DRAINING:
            why = f"not settled within {drain_ns(life) / 1e9:g} s"
            return more(terminate(life, why, now_ns), Alert("warning", life.name, why))
        case State.STOPPING:
            return destroy(life, f"not gone within {life.platform.shutdown_timeout:g} s", now_ns)
        case State.KILLING:
            stuck = Alert("critical", life.name, "was sent SIGKILL and is still there")
            again = replace(life, kills=life.kills + 1, deadline_ns=now_ns + AGAIN_NS)
            return again, (Kill(life.name), *((stuck,) if life.kills == 5 else ()))
        case State.BACKOFF:
            return to(life, State.WAITING, now_ns, life.reason)
        case State.FAILED:
            return to(
                replace(life, probing=True, wanted=True), State.WAITING, now_ns, "half open: one start to see"
            )
        case _:
            return replace(life, deadline_ns=None), ()


def _adopted(life: Life, event: Adopted, now_ns: int) -> Decision:
    afar = life.platform.host is not None and event.state in (State.STARTING, *SERVING)
    if life.state is not State.STOPPED and (life.state in ALIVE or not afar):
        raise InvalidTransition(life.state, "adopted")
    # One that is ready by having started says nothing more, though nobody had time to write it down.
    begun = event.state is State.STARTING and life.platform.readiness[0] == "started"
    serving = begun or event.state in SERVING
    overrides = life.overrides if event.overrides is None else event.overrides
    found = replace(
        life,
        platform=overrides.on(life.platform),
        overrides=overrides,
        pid=event.pid,
        wanted=event.wanted,
        then=event.past.then if event.wanted else "stop",
        probing=event.past.probing,
        restarts=event.restarts,
        runs=life.runs + 1,
        begun_ns=now_ns if event.past.begun_ns is None else event.past.begun_ns,
        last_exit=event.past.last_exit,
        misses=0,
        kills=0,
        ready_ns=now_ns if serving else None,
        beat_ns=now_ns if serving else None,
    )
    spans = {
        State.STARTING: ns(life.platform.startup_timeout),
        State.DRAINING: None if event.past.patient else drain_ns(life),
        State.STOPPING: ns(life.platform.shutdown_timeout),
        State.KILLING: 0,
    }
    span = None if serving else spans.get(event.state)
    until = None if span is None else now_ns + span
    note = Note(
        "adopted",
        life.name,
        f"process {event.pid} runs on",
        {"pid": event.pid, "generation": event.generation},
    )
    state = State.READY if serving else event.state
    asked = (Drain(life.name, again=True),) if state is State.DRAINING else ()
    told = to(found, state, now_ns, "found running", note, *asked, until=until)
    return _as_before(told, event) if state is event.state else told


def _restored(life: Life, event: Restored, now_ns: int) -> Decision:
    if life.state is not State.STOPPED or event.state in (State.STOPPED, *ALIVE):
        return life, ()
    state = State.WAITING if event.state is State.BACKOFF else event.state
    wanted = state is State.WAITING
    found = replace(
        life,
        restarts=event.restarts,
        overrides=event.overrides,
        wanted=wanted,
        probing=event.past.probing,
        last_exit=event.past.last_exit,
    )
    after = life.platform.probe_after
    until = now_ns + ns(after) if state is State.FAILED and after is not None else None
    told = to(found, state, now_ns, "as it was under the supervisor before", until=until)
    return _as_before(told, event) if state is event.state else told


def _as_before(told: Decision, event: Adopted | Restored) -> Decision:
    """Return it in its state since when, and because of what, it was: who reads it asks that."""
    if event.past.since_ns is None:
        return told
    return replace(told[0], since_ns=event.past.since_ns, reason=event.past.reason), told[1]


def _ended(code: int | None) -> str:
    if code is None:
        return "ended; its exit code was told to the supervisor before this one"
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


_ANSWERS: dict[type, Callable[[Life, Any, int], Decision]] = {
    Start: _start,
    Go: _go,
    Spawned: _spawned,
    SpawnFailed: _spawn_failed,
    Readied: _readied,
    Beat: _beat,
    Hung: _hung,
    Probed: _probed,
    NeedLost: _need_lost,
    NeedBack: _need_back,
    HostLost: _host_lost,
    HostFound: _host_found,
    Over: _over,
    Stop: _stop,
    Drained: _drained,
    TimeOver: _time_over,
    Exited: _exited,
    Tick: _tick,
    Adopted: _adopted,
    Restored: _restored,
}
