"""Take up a fleet's file that was read anew: what is new starts, what is gone stops, what changed is so.

What a process was born with is changed by its next start: such a platform is stopped, and is what the
file says once it has left (`Work.renewed`).
"""

from __future__ import annotations

from msgspec.structs import replace

from flotilla.fleet.rules.fleet_state import needers_in
from flotilla.fleet.rules.plan import reload_plan
from flotilla.fleet.rules.platform_state import Life
from flotilla.fleet.rules.states import ALIVE, Note, Start, Stop
from flotilla.fleet.rules.work import Work
from flotilla.fleet.spec import FleetSpec


def reload(work: Work, spec: FleetSpec) -> None:
    """Make the fleet what `spec` says, as soon as it can be."""
    plan = reload_plan(work.spec, spec)
    work.spec = spec
    for name in plan.removed:
        work.renewed[name] = None
        work.leave(Stop(name, "stop", "no longer in the fleet's file"))
    for name in plan.changed:
        if name in plan.restarts and work.lives[name].state in ALIVE:
            work.renewed[name] = spec.platforms[name]
            work.leave(Stop(name, "again", "its part of the fleet's file has changed"))
        else:
            work.lives[name] = replace(work.lives[name], platform=spec.platforms[name])
    back = [name for name in plan.added if name in work.lives]  # taken out before, and leaving still
    for name in plan.added:
        if name not in back:
            work.lives[name] = Life(name, spec.platforms[name])
            continue
        work.renewed[name] = spec.platforms[name]
        if name in work.leaving:
            work.leaving[name] = Stop(name, "again", "the fleet's file has it again, anew")
    work.needers = needers_in(work.lives)
    data = {"added": plan.added, "removed": plan.removed, "changed": tuple(plan.changed)}
    work.orders.append(Note("reloaded", "", "", data))
    for name in plan.added:
        if spec.platforms[name].schedule is None or name in back:  # else its hours start it
            work.tell(name, Start(name, "new in the fleet's file"))
