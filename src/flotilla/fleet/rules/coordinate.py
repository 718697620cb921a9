"""Decide what becomes of a fleet: (fleet, event, now) -> (fleet, instructions). Pure.

1. An event of one platform is `decide`d. What it changes for others follows (`_followed`): those
   that need it learn that it is lost or back; its group starts again as declared; when it has
   failed, those that need it are stopped or go on degraded, and nobody is restarted for it.
2. What a person asks for becomes starts and stops of all that it concerns (`_asked`).
3. Then whatever may happen does (`_settle`): who is to stop is told once all that need it have
   left; who is to start, once what it needs is there.

Nothing is done twice, and in no other order than the graph's: both are looked at anew after every
event, so no plan can be overtaken by what happens meanwhile.
"""

from __future__ import annotations

from msgspec.structs import replace

from flotilla.errors import ConfigError
from flotilla.fleet.rules.budget import ns
from flotilla.fleet.rules.decide import decide
from flotilla.fleet.rules.fleet_state import (
    Fleet,
    cycled_with,
    met,
    needers_in,
    needs_in,
    restarted_by,
    started_by,
    stopped_by,
)
from flotilla.fleet.rules.plan import reload_plan
from flotilla.fleet.rules.platform_state import Life, due_ns
from flotilla.fleet.rules.states import (
    ALIVE,
    LEAVING,
    RUNNING,
    About,
    Adopted,
    Alert,
    Ask,
    Beat,
    Event,
    Forget,
    Go,
    HostFound,
    HostLost,
    Instruction,
    NeedBack,
    NeedLost,
    Note,
    Readied,
    Spawn,
    Start,
    State,
    Stop,
    Tick,
    TimeOver,
)
from flotilla.fleet.spec import FleetSpec, graph


class Reload(Event, frozen=True):
    """The fleet's file was read again."""

    spec: FleetSpec


def coordinate(fleet: Fleet, event: Event, now_ns: int) -> tuple[Fleet, tuple[Instruction, ...]]:
    """Return the fleet after `event`, and what is to be done, in order. now_ns: monotonic.

    ConfigError for what is asked and cannot be: nothing has changed then.
    """
    if isinstance(event, Beat | Readied) and event.name in fleet.lives:  # most of what happens, by far
        life = fleet.lives[event.name]
        if life.state is not State.STARTING:
            after, _ = decide(life, event, now_ns)
            return replace(fleet, lives={**fleet.lives, event.name: after}), ()
    work = _Work(fleet, now_ns)
    work.take(event)
    work.settle()
    return work.fleet(), tuple(work.orders)


class _Work:
    """One event's worth of changes, made step by step and given out as one."""

    def __init__(self, fleet: Fleet, now_ns: int) -> None:
        self._fleet, self._now_ns = fleet, now_ns
        self._lives = dict(fleet.lives)
        self._leaving = dict(fleet.leaving)
        self._first, self._gone, self._renewed = dict(fleet.first), dict(fleet.gone), dict(fleet.renewed)
        self._spec, self._needers, self._closing_ns = fleet.spec, fleet.needers, fleet.closing_ns
        self._away = fleet.away
        self.orders: list[Instruction] = []

    def fleet(self) -> Fleet:
        return Fleet(
            self._spec,
            self._fleet.generation,
            self._lives,
            self._needers,
            self._leaving,
            self._first,
            self._gone,
            self._renewed,
            self._closing_ns,
            self._away,
        )

    def take(self, event: Event) -> None:
        match event:
            case About() if event.name in self._lives:
                self._tell(event.name, event)
                if isinstance(event, Adopted):
                    self._check_needs(event.name)
                    self._check_host(event.name)
            case Tick():
                self._tick()
            case Ask():
                self._asked(event)
            case Reload():
                self._reload(event.spec)
            case HostLost() | HostFound():
                self._host(event)

    def settle(self) -> None:
        """Let happen whatever may happen now."""
        while self._renew() or self._let_go() or self._let_start():
            pass

    def _tell(self, name: str, event: About | Tick | HostLost | HostFound) -> None:
        before = self._lives[name]
        after, orders = decide(before, event, self._now_ns)
        generation = self._fleet.generation
        self.orders += [Spawn(name, generation) if isinstance(order, Spawn) else order for order in orders]
        self._lives[name] = after
        if after is not before:
            self._followed(before, after)

    def _followed(self, before: Life, after: Life) -> None:
        name = after.name
        for needer in self._needers[name]:
            life = self._lives[needer]
            condition = life.platform.needs.get(name)
            if condition is None or condition == "completed" or life.state not in RUNNING:
                continue
            was, now = met(before, condition), met(after, condition)
            if was != now:
                self._tell(needer, NeedBack(needer, name) if now else NeedLost(needer, name))
        if before.state in ALIVE and after.state not in ALIVE:
            died = after.state is State.FAILED or (after.wanted and after.restarts != before.restarts)
            if died and self._closing_ns is None:
                self._group(after)
        if after.state is State.FAILED and before.state is not State.FAILED:
            self._broken(name)

    def _check_needs(self, name: str) -> None:
        """Tell one that was found running what it needs and is not there."""
        for need, condition in self._lives[name].platform.needs.items():
            if condition != "completed" and not met(self._lives[need], condition):
                self._tell(name, NeedLost(name, need))

    def _check_host(self, name: str) -> None:
        """Wait for the host of one that ran when it was last heard of, as long as hosts are waited for."""
        host = self._lives[name].platform.host
        if host is not None and host in self._away:
            self._tell(name, HostLost(host, held=True))

    def _group(self, dead: Life) -> None:
        """Stop those of its group that start again with it, or stop with it for good."""
        others = cycled_with(self.fleet(), dead.name)
        if not others:
            return
        there = frozenset(other for other in others if self._lives[other].state in ALIVE)
        if dead.state is State.FAILED:
            if self._spec.groups[str(dead.platform.group)].policy == "one_for_all":
                for other in others:
                    self._leave(Stop(other, "stop", f"{dead.name} of its group has failed"))
            return
        self._cycle({dead.name, *others}, there, f"{dead.name} of its group died")

    def _cycle(self, names: set[str], there: frozenset[str], why: str) -> None:
        """Start `names` again, in order, once `there`, those of them with a process, have all left."""
        for name in there:
            if self._lives[name].wanted and self._leaving.get(name, Stop(name, "again")).then != "stop":
                self._leave(Stop(name, "again", why))
        if there:
            self._gone |= {name: there | self._gone.get(name, frozenset()) for name in names}

    def _broken(self, name: str) -> None:
        """Stop those that need what has failed, and say so; those on `degrade` know already."""
        queue = [name]
        for failed in queue:  # it grows while it is read
            for needer in self._needers[failed]:
                life = self._lives[needer]
                if life.platform.needs.get(failed) == "completed" or life.platform.on_need_lost != "stop":
                    continue
                if life.state in RUNNING and needer not in queue:
                    queue.append(needer)
                    self._leave(
                        Stop(
                            needer,
                            "again",
                            f"needs {failed}, which {'has failed' if failed == name else 'was stopped'}",
                        )
                    )

    def _leave(self, stop: Stop) -> None:
        known = self._leaving.get(stop.name)
        if known is None or known.then != "stop" or stop.then == "stop":
            self._leaving[stop.name] = stop

    def _let_go(self) -> bool:
        """Tell those to stop that nobody who is leaving needs any more; return whether there was one."""
        if not self._leaving:
            return False
        going = [
            name
            for name, life in self._lives.items()
            if life.state in LEAVING or (name in self._leaving and life.state in ALIVE)
        ]
        needs = needs_in(self._lives)
        needed = graph.needs_of(needs, (need for name in going for need in needs[name]))
        free = [
            name for name in self._leaving if name not in needed or self._lives[name].state not in RUNNING
        ]
        if not free and not any(life.state in LEAVING for life in self._lives.values()):
            free = list(self._leaving)  # old and new needs may make a circle for the length of a reload
        for name in free:
            self._tell(name, self._leaving.pop(name))
        return bool(free)

    def _let_start(self) -> bool:
        """Start what may start; return whether there was one."""
        if self._closing_ns is not None:
            return False
        free = [name for name, life in self._lives.items() if life.state is State.WAITING and self._may(life)]
        for name in free:
            self._first.pop(name, None)
            self._gone.pop(name, None)
            self._tell(name, Go(name))
        return bool(free)

    def _may(self, life: Life) -> bool:
        name = life.name
        if name in self._leaving or not life.wanted or life.platform.host in self._away:
            return False
        for other in self._gone.get(name, ()):
            if other in self._leaving or (other in self._lives and self._lives[other].state in LEAVING):
                return False
        for other in self._first.get(name, ()):
            if other in self._lives and self._lives[other].wanted and not met(self._lives[other], "ready"):
                return False
        return all(
            need in self._lives and met(self._lives[need], condition)
            for need, condition in life.platform.needs.items()
        )

    def _tick(self) -> None:
        for name, life in list(self._lives.items()):
            due = due_ns(life)
            if due is not None and due <= self._now_ns:
                self._tell(name, Tick())
        if self._closing_ns is not None and self._closing_ns <= self._now_ns:
            self._leaving.clear()
            for name in list(self._lives):
                self._tell(name, TimeOver(name))
            self._closing_ns = self._now_ns + ns(self._spec.shutdown_timeout)

    def _host(self, event: HostLost | HostFound) -> None:
        there = [name for name, life in self._lives.items() if life.platform.host == event.host]
        lost = isinstance(event, HostLost)
        policy = self._spec.hosts[event.host].on_lost if event.host in self._spec.hosts else "degrade"
        self.orders.append(Note("host_lost" if lost else "host_found", "", "", {"host": event.host}))
        if lost:
            self.orders.append(
                Alert("critical", "", f"host {event.host} is out of sight: what runs there may run on")
            )
        self._away = self._away | {event.host} if lost else self._away - {event.host}
        if isinstance(event, HostLost) and policy == "hold":
            event = HostLost(event.host, held=True)
        for name in there:
            self._tell(name, event)
        if lost and policy == "stop":
            for name in there:
                self._broken(name)

    def _asked(self, ask: Ask) -> None:
        if self._closing_ns is not None and ask.command != "down":
            raise ConfigError("the fleet is going down: nothing can be asked of it")
        match ask.command:
            case "start":
                names = self._started(ask)
            case "restart":
                names = self._restarted(ask)
            case _:
                names = self._stopped(ask)
        data = {"command": ask.command, "names": names, "who": ask.who, "why": ask.why, "outcome": "accepted"}
        self.orders.insert(0, Note("command", "", ask.why, data))

    def _started(self, ask: Ask) -> tuple[str, ...]:
        stages = self._spec.sequences.get(ask.names[0], ()) if len(ask.names) == 1 else ()
        asked = [name for stage in stages for name in stage] or list(ask.names)
        names = [name for level in started_by(self.fleet(), asked) for name in level]
        before: frozenset[str] = frozenset()
        for stage in stages:
            self._first |= {name: before for name in stage if name in names}
            before |= set(stage)
        why = ask.why or "asked for"
        kept = graph.needs_of(needs_in(self._lives), asked or self._lives) & self._leaving.keys()
        for name in dict.fromkeys([*names, *sorted(kept)]):  # who was to stop, and has not yet, stays
            self._leaving.pop(name, None)
            self._tell(name, Start(name, why))
        return tuple(names)

    def _stopped(self, ask: Ask) -> tuple[str, ...]:
        if ask.command == "down":
            self._closing_ns = self._closing_ns or self._now_ns + ns(self._spec.shutdown_timeout)
        names = [
            name
            for level in stopped_by(self.fleet(), ask.names if ask.command != "down" else ())
            for name in level
        ]
        why = ask.why or ("the fleet goes down" if ask.command == "down" else "asked for")
        for name in names:
            self._first.pop(name, None)
            self._gone.pop(name, None)
            self._leave(Stop(name, "stop", why, ask.command == "drain"))
        return tuple(names)

    def _restarted(self, ask: Ask) -> tuple[str, ...]:
        fleet = self.fleet()
        names = {name for level in restarted_by(fleet, ask.names) for name in level}
        there = frozenset(name for name in names if self._lives[name].state in ALIVE)
        idle = graph.needs_of(needs_in(self._lives), names) - there
        for name in sorted(idle):
            if self._lives[name].state not in ALIVE and (
                name in names or self._lives[name].state is not State.COMPLETED
            ):
                self._tell(name, Start(name, ask.why or "asked for"))
        for name in there:
            self._lives[name] = replace(self._lives[name], wanted=True)
            self._leaving.pop(name, None)
        self._cycle(names, there, ask.why or "asked to start again")
        return tuple(sorted(names))

    def _reload(self, spec: FleetSpec) -> None:
        plan = reload_plan(self._spec, spec)
        self._spec = spec
        for name in plan.removed:
            self._renewed[name] = None
            self._leave(Stop(name, "stop", "no longer in the fleet's file"))
        for name in plan.changed:
            if name in plan.restarts and self._lives[name].state in ALIVE:
                self._renewed[name] = spec.platforms[name]
                self._leave(Stop(name, "again", "its part of the fleet's file has changed"))
            else:
                self._lives[name] = replace(self._lives[name], platform=spec.platforms[name])
        back = [name for name in plan.added if name in self._lives]  # taken out before, and leaving still
        for name in plan.added:
            if name not in back:
                self._lives[name] = Life(name, spec.platforms[name])
                continue
            self._renewed[name] = spec.platforms[name]
            if name in self._leaving:
                self._leaving[name] = Stop(name, "again", "the fleet's file has it again, anew")
        self._needers = needers_in(self._lives)
        data = {"added": plan.added, "removed": plan.removed, "changed": tuple(plan.changed)}
        self.orders.append(Note("reloaded", "", "", data))
        for name in plan.added:
            if spec.platforms[name].schedule is None or name in back:  # else its hours start it
                self._tell(name, Start(name, "new in the fleet's file"))

    def _renew(self) -> bool:
        """Make platforms what the file says now, those without a process; return whether there was one."""
        free = [name for name in self._renewed if self._lives[name].state not in ALIVE]
        for name in free:
            platform = self._renewed.pop(name)
            if platform is None:
                del self._lives[name]
                self._leaving.pop(name, None)
                self.orders.append(Forget(name))
            else:
                self._lives[name] = replace(self._lives[name], platform=platform)
        if free:
            self._needers = needers_in(self._lives)
        return bool(free)
