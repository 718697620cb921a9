"""One event's worth of changes to a fleet, made step by step and given out as one.

1. What happens to a platform is `decide`d (`Work.tell`). What it changes for others follows (`_followed`):
   those that need it learn that it is lost or back; its group starts again as declared; when it has failed,
   those that need it are stopped or go on degraded, and nobody is restarted for it.
2. Then whatever may happen does (`Work.settle`): who is to stop is told once all that need it have left; who
   is to start, once what it needs is there.

Nothing is done twice, and in no other order than the graph's: both are looked at anew after every event, so
no plan can be overtaken by what happens meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from flotilla.fleet.rules.decide import decide_platform
from flotilla.fleet.rules.fleet_state import Fleet, awaited, cycled_with, met, needers_in, needs_in
from flotilla.fleet.rules.platform_state import Life
from flotilla.fleet.rules.states import (
    ALIVE,
    LEAVING,
    RUNNING,
    About,
    Forget,
    Go,
    HostFound,
    HostLost,
    Instruction,
    NeedBack,
    NeedLost,
    Spawn,
    State,
    Stop,
    Tick,
)
from flotilla.fleet.spec import graph


class Work:
    """The fleet as it becomes, and what is to be done (`orders`)."""

    def __init__(self, fleet: Fleet, now_ns: int) -> None:
        self.before, self.now_ns = fleet, now_ns
        self.lives = dict(fleet.lives)
        self.leaving = dict(fleet.leaving)
        self.first, self.gone, self.renewed = dict(fleet.first), dict(fleet.gone), dict(fleet.renewed)
        self.spec, self.needers, self.closing_ns = fleet.spec, fleet.needers, fleet.closing_ns
        self.away = fleet.away
        self.orders: list[Instruction] = []

    def fleet(self) -> Fleet:
        """Return the fleet as it is by now."""
        return Fleet(
            self.spec,
            self.before.generation,
            self.lives,
            self.needers,
            self.leaving,
            self.first,
            self.gone,
            self.renewed,
            self.closing_ns,
            self.away,
        )

    def settle(self) -> None:
        """Let happen whatever may happen now."""
        while self._renew() or self._let_go() or self._let_start():
            pass

    def tell(self, name: str, event: About | Tick | HostLost | HostFound) -> None:
        """Decide about one platform, and what follows of it for others."""
        before = self.lives[name]
        after, orders = decide_platform(before, event, self.now_ns)
        generation = self.before.generation
        self.orders += [Spawn(name, generation) if isinstance(order, Spawn) else order for order in orders]
        self.lives[name] = after
        if after is not before:
            self._followed(before, after)

    def _followed(self, before: Life, after: Life) -> None:
        name = after.name
        for needer in self.needers[name]:
            life = self.lives[needer]
            condition = life.platform.needs.get(name)
            if condition is None or condition == "completed" or life.state not in RUNNING:
                continue
            was, now = met(before, condition), met(after, condition)
            if was != now:
                self.tell(needer, NeedBack(needer, name) if now else NeedLost(needer, name))
        if before.state in ALIVE and after.state not in ALIVE:
            died = after.state is State.FAILED or (after.wanted and after.restarts != before.restarts)
            if died and self.closing_ns is None:
                self._group(after)
        if after.state is State.FAILED and before.state is not State.FAILED:
            self.broken(name)

    def check_needs(self, name: str, before: Iterable[str] = ()) -> None:
        """Tell one that runs which of its needs are there, and which are not. before: what it needed."""
        needs = self.lives[name].platform.needs
        for need in dict.fromkeys([*needs, *before]):
            condition = needs.get(need, "completed")  # which counts at the start alone
            there = condition == "completed" or met(self.lives[need], condition)
            self.tell(name, NeedBack(name, need) if there else NeedLost(name, need))

    def check_host(self, name: str) -> None:
        """Wait for the host of one that ran when it was last heard of, as long as hosts are waited for."""
        host = self.lives[name].platform.host
        if host is not None and host in self.away:
            self.tell(name, HostLost(host, held=True))

    def _group(self, dead: Life) -> None:
        """Stop those of its group that start again with it, or stop with it for good."""
        others = cycled_with(self.fleet(), dead.name)
        if not others:
            return
        there = frozenset(other for other in others if self.lives[other].state in ALIVE)
        if dead.state is State.FAILED:
            if self.spec.groups[str(dead.platform.group)].policy == "one_for_all":
                for other in others:
                    self.leave(Stop(other, "stop", f"{dead.name} of its group has failed"))
            return
        self.cycle({dead.name, *others}, there, f"{dead.name} of its group died")

    def cycle(self, names: set[str], there: frozenset[str], why: str) -> None:
        """Start `names` again, in order, once `there`, those of them with a process, have all left."""
        for name in there:
            if self.lives[name].wanted and self.leaving.get(name, Stop(name, "again")).then != "stop":
                self.leave(Stop(name, "again", why))
        if there:
            self.gone |= {name: there | self.gone.get(name, frozenset()) for name in names}

    def broken(self, name: str) -> None:
        """Stop those that need what has failed, and say so; those on `degrade` know already."""
        queue = [name]
        for failed in queue:  # it grows while it is read
            for needer in self.needers[failed]:
                life = self.lives[needer]
                if life.platform.needs.get(failed) == "completed" or life.platform.on_need_lost != "stop":
                    continue
                if life.state in RUNNING and needer not in queue:
                    queue.append(needer)
                    self.leave(
                        Stop(
                            needer,
                            "again",
                            f"needs {failed}, which {'has failed' if failed == name else 'was stopped'}",
                        )
                    )

    def leave(self, stop: Stop) -> None:
        """Have it stopped, once those that need it have left; for good is more than to start again."""
        known = self.leaving.get(stop.name)
        if known is None or known.then != "stop" or stop.then == "stop":
            self.leaving[stop.name] = stop

    def stay(self, name: str) -> None:
        """Keep one that was to stop, and was not told yet. Who is to start again, as it is or anew, does."""
        stop = self.leaving.get(name)
        if stop is not None and stop.then == "stop":
            del self.leaving[name]
            if name in self.renewed:
                self.leaving[name] = Stop(name, "again", stop.why)

    def _let_go(self) -> bool:
        """Tell those to stop that nobody who is leaving needs any more; return whether there was one."""
        if not self.leaving:
            return False
        going = [
            name
            for name, life in self.lives.items()
            if life.state in LEAVING or (name in self.leaving and life.state in ALIVE)
        ]
        needs = needs_in(self.lives)
        needed = graph.needs_of(needs, (need for name in going for need in needs[name]))
        free = [name for name in self.leaving if name not in needed or self.lives[name].state not in RUNNING]
        if not free and self.renewed:
            free = self._in_circles(needs, going)
        for name in free:
            self.tell(name, self.leaving.pop(name))
        return bool(free)

    def _in_circles(self, needs: graph.Graph, going: list[str]) -> list[str]:
        """Return those who wait for one another alone: old and new needs may do so while a reload lasts."""
        above = {name: graph.needs_of(needs, needs[name]) for name in going}
        return [
            name
            for name in self.leaving
            if name in above
            and all(
                other in above[name] and self.lives[other].state not in LEAVING
                for other in going
                if name in above[other]
            )
        ]

    def _let_start(self) -> bool:
        """Start what may start; return whether there was one."""
        if self.closing_ns is not None:
            return False
        free = [name for name, life in self.lives.items() if life.state is State.WAITING and self._may(life)]
        for name in free:
            self.first.pop(name, None)
            self.gone.pop(name, None)
            life = self.lives[name]
            self.lives[name] = replace(life, platform=life.overrides.on(self.spec.platforms[name]))
            self.tell(name, Go(name))
        return bool(free)

    def _may(self, life: Life) -> bool:
        name = life.name
        if name in self.leaving or not life.wanted or life.platform.host in self.away:
            return False
        for other in self.gone.get(name, ()):
            if other in self.leaving or (other in self.lives and self.lives[other].state in LEAVING):
                return False
        if any(awaited(self.lives.get(other)) for other in self.first.get(name, ())):
            return False
        return all(
            need in self.lives and met(self.lives[need], condition)
            for need, condition in life.platform.needs.items()
        )

    def _renew(self) -> bool:
        """Make platforms what the file says now, those without a process; return whether there was one."""
        free = [name for name in self.renewed if self.lives[name].state not in ALIVE]
        for name in free:
            platform = self.renewed.pop(name)
            if platform is None:
                del self.lives[name]
                for about in (self.leaving, self.first, self.gone):
                    about.pop(name, None)
                self.orders.append(Forget(name))
            else:
                self.lives[name] = replace(self.lives[name], platform=platform)
        if free:
            self.needers = needers_in(self.lives)
        return bool(free)
