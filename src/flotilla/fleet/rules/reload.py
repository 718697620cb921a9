"""Take up a fleet's file that was read anew: what is new starts, what is gone stops, what changed is so.

What a process was born with is changed by its next start: such a platform is stopped, and is what the
file says once it has left (`Work.renewed`).
"""

from __future__ import annotations

from msgspec.structs import replace

from flotilla.fleet.rules.fleet_state import needers_in
from flotilla.fleet.rules.plan import reload_plan
from flotilla.fleet.rules.platform_state import Life
from flotilla.fleet.rules.states import ALIVE, RUNNING, Note, Probed, Readied, Start, State, Stop
from flotilla.fleet.rules.work import Work
from flotilla.fleet.spec import FleetSpec, Platform


def reload(work: Work, spec: FleetSpec) -> None:
    """Make the fleet what `spec` says, as soon as it can be."""
    plan = reload_plan(work.spec, spec)
    work.spec = spec
    for name in plan.removed:
        work.renewed[name] = None
        work.leave(Stop(name, "stop", "no longer in the fleet's file"))
    now = []  # what changed, and is so already
    for name in plan.changed:
        if name in work.renewed:  # it is leaving for a change before this one
            work.renewed[name] = spec.platforms[name]
        elif name in plan.restarts and work.lives[name].state in ALIVE:
            work.renewed[name] = spec.platforms[name]
            work.leave(Stop(name, "again", "its part of the fleet's file has changed"))
        else:
            life = work.lives[name]
            now.append((name, life.platform))
            work.lives[name] = replace(life, platform=life.overrides.on(spec.platforms[name]))
    back = [name for name in plan.added if name in work.lives]  # taken out before, and leaving still
    for name in plan.added:
        if name not in back:
            work.lives[name] = Life(name, spec.platforms[name])
            continue
        work.renewed[name] = spec.platforms[name]
        if name in work.leaving:
            work.leaving[name] = Stop(name, "again", "the fleet's file has it again, anew")
    work.needers = needers_in(work.lives)
    for name, before in now:
        _look_again(work, name, before)
    data = {"added": plan.added, "removed": plan.removed, "changed": tuple(plan.changed)}
    work.orders.append(Note("reloaded", "", "", data))
    for name in plan.added:
        if spec.platforms[name].schedule is None or name in back:  # else its hours start it
            work.tell(name, Start(name, "new in the fleet's file"))


def _look_again(work: Work, name: str, before: Platform) -> None:
    """See one that goes on in the light of what the file says now."""
    life = work.lives[name]
    if life.state not in RUNNING:
        return
    work.check_needs(name, before.needs)
    if _probe(before) != _probe(life.platform):  # what the old one said is of no account
        work.tell(name, Probed(name, ok=True))
    if life.state is State.STARTING and life.pid is not None and life.platform.readiness[0] == "started":
        work.tell(name, Readied(name))


def _probe(platform: Platform) -> str | None:
    return None if platform.health is None else platform.health.probe
