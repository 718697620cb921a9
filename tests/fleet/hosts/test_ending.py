"""Real processes, stopped in the order of a fleet's needs."""

import asyncio
import sys

from flotilla.fleet.executor import Executor
from flotilla.fleet.folder import Folder
from flotilla.fleet.hosts.ending import stop_all
from flotilla.fleet.rules.states import Alert, Exited, Spawn
from flotilla.fleet.spec import FleetSpec, Platform
from flotilla.fleet.system.spawn import Spawner

SLEEPS = "import time; print('up', flush=True); time.sleep(1000)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"


def platform(code, **more):
    return Platform((sys.executable, "-I", "-S", "-c", code), **more)


def test_who_needs_something_goes_before_it_in_time_or_by_force_and_who_is_of_no_file_first(tmp_path):
    platforms = {
        "base": platform(SLEEPS),
        "deaf": platform(DEAF, needs={"base": "ready"}, shutdown_timeout=0.5),
        "app": platform(SLEEPS, needs={"deaf": "ready"}),
        "former": platform(SLEEPS),
    }
    fleet = FleetSpec("two", {name: one for name, one in platforms.items() if name != "former"})

    async def run():
        folder = Folder(tmp_path / "run").make()
        spawner, told, alerts = Spawner(folder), [], []
        hands = Executor(spawner, platforms.get, told.append, alerts.append, folder.log)
        for name in platforms:
            hands.do(Spawn(name, 1))
        while not all(
            folder.log(name).exists() and "up" in folder.log(name).read_text() for name in platforms
        ):
            await asyncio.sleep(0.01)
        await stop_all(hands, fleet, platforms.get, alerts.append)
        while hands.children:
            await asyncio.sleep(0.01)
        await spawner.kill_all()
        return [(event.name, event.code) for event in told if isinstance(event, Exited)], alerts

    exited, alerts = asyncio.run(asyncio.wait_for(run(), 60))

    assert exited == [("former", -15), ("app", -15), ("deaf", -9), ("base", -15)]
    assert [(one.severity, one.name) for one in alerts if isinstance(one, Alert)] == [("critical", "deaf")]
