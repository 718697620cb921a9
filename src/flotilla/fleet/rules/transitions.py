"""How a platform leaves, dies, or gets into trouble: the steps that many events of `decide.py` share."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from flotilla.fleet.rules import budget
from flotilla.fleet.rules.budget import ns
from flotilla.fleet.rules.platform_state import SERVING, Life
from flotilla.fleet.rules.states import (
    RUNNING,
    Alert,
    Drain,
    Instruction,
    Kill,
    Note,
    State,
    Terminate,
)
from flotilla.words import counted

Decision = tuple[Life, tuple[Instruction, ...]]
AGAIN_NS = 1_000_000_000  # one that was sent SIGKILL and is still there is sent it again


def leave(
    life: Life,
    then: Literal["stop", "again", "retry"],
    why: str,
    now_ns: int,
    *,
    drain: bool = True,
    patient: bool = False,
) -> Decision:
    """Return it asked to settle, where it can be, or to stop."""
    life = replace(life, then=then)
    if not drain or life.platform.drain is None or life.state not in SERVING:
        return terminate(life, why, now_ns)
    until = None if patient else now_ns + drain_ns(life)
    return to(life, State.DRAINING, now_ns, why, Drain(life.name), until=until)


def terminate(life: Life, why: str, now_ns: int) -> Decision:
    """Return it asked to stop."""
    orders = () if life.pid is None else (Terminate(life.name),)
    until = now_ns + ns(life.platform.shutdown_timeout)
    return to(life, State.STOPPING, now_ns, why, *orders, until=until)


def destroy(life: Life, why: str, now_ns: int) -> Decision:
    """Return it killed, with an alarm: it was not given to stop by itself."""
    orders = () if life.pid is None else (Kill(life.name),)
    note = Note("killed", life.name, why, {"reason": why})
    alert = Alert("critical", life.name, f"killed: {why}")
    killed = replace(life, kills=1)
    return to(killed, State.KILLING, now_ns, why, *orders, note, alert, until=now_ns + AGAIN_NS)


def left(life: Life, now_ns: int) -> Decision:
    """Return one that was asked to leave, and has."""
    again = life.then == "again" and life.wanted
    return to(replace(life, lost=False), State.WAITING if again else State.STOPPED, now_ns, life.reason)


def died(life: Life, why: str, jitter: float, now_ns: int) -> Decision:
    """Return one that ended unasked: started again at once, later, or no more."""
    life = replace(life, pid=None, troubles=frozenset(), lost=False)
    if not life.wanted:
        return to(life, State.STOPPED, now_ns, why)
    if budget.healthy(life.platform, life.ready_ns, now_ns):
        life = replace(life, restarts=(), probing=False)
    was_ready = life.ready_ns is not None
    spent = budget.spend(life.restarts, life.platform, was_ready=was_ready, jitter=jitter, now_ns=now_ns)
    if spent is None or life.probing:
        return _given_up(life, why, now_ns)
    life = replace(life, restarts=spent.restarts)
    data = {
        "delay_s": round(spent.delay_ns / 1e9, 3),
        "restarts": len(spent.restarts),
        "budget": life.platform.max_restart_attempts,
    }
    note = Note("backoff", life.name, why, data)
    if spent.delay_ns == 0:
        return to(life, State.WAITING, now_ns, why, note)
    return to(life, State.BACKOFF, now_ns, why, note, until=now_ns + spent.delay_ns)


def _given_up(life: Life, why: str, now_ns: int) -> Decision:
    restarts = len(budget.recent(life.restarts, life.platform, now_ns))
    after = life.platform.probe_after
    note = Note("failed", life.name, why, {"restarts": restarts, "reason": why})
    within = f"{counted(restarts, 'restart')} within {life.platform.restart_window:g} s"
    alert = Alert("critical", life.name, f"failed after {within}: {why}")
    failed = replace(life, wanted=False, probing=False)
    until = None if after is None else now_ns + ns(after)
    return to(failed, State.FAILED, now_ns, why, note, alert, until=until)


def trouble(life: Life, what: str, now_ns: int) -> Decision:
    """Return it with one more thing amiss: degraded, if it was ready."""
    if life.state not in RUNNING or what in life.troubles:
        return life, ()
    life = replace(life, troubles=life.troubles | {what})
    return to(life, State.DEGRADED, now_ns, _why(life)) if life.state is State.READY else (life, ())


def clear(life: Life, what: str, now_ns: int) -> Decision:
    """Return it with that no longer amiss: ready, if it was the last."""
    if what not in life.troubles:
        return life, ()
    life = replace(life, troubles=life.troubles - {what})
    if life.state is State.DEGRADED and not life.troubles:
        return to(life, State.READY, now_ns, "")
    return (replace(life, reason=_why(life)) if life.state is State.DEGRADED else life), ()


def _why(life: Life) -> str:
    return ", ".join(sorted(life.troubles))


def drain_ns(life: Life) -> int:
    """Return how long it may take to settle, ns."""
    return ns(life.platform.drain.timeout) if life.platform.drain else 0


def to(
    life: Life, state: State, now_ns: int, why: str, *orders: Instruction, until: int | None = None
) -> Decision:
    """Return it in another state, noted; `orders` after that. until: when the state has lasted too long."""
    after = replace(life, state=state, since_ns=now_ns, deadline_ns=until, reason=why)
    note = Note("state", life.name, why, {"old": life.state.value, "new": state.value, "reason": why})
    return after, (note, *orders)


def more(told: Decision, *orders: Instruction) -> Decision:
    """Return the same with `orders` before the others."""
    return told[0], (*orders, *told[1])
