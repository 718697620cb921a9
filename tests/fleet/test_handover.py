"""A supervisor that made a mistake, or lost its guard, makes room; what runs notices nothing."""

import os
import signal
import socket
import sys
from contextlib import suppress

from flotilla.fleet.control.client import OutcomeUnknown
from flotilla.fleet.spec import decode_fleet, fleet_as_dict, fleet_to_yaml, read_fleet

# A supervisor in whose first generation the second death of anything is more than it can bear.
CLUMSY = """
import sys
from pathlib import Path
from flotilla.fleet import executor, supervisor
died, buried = [], executor.Executor._on_exit
def clumsy(self, child):
    died.append(child)
    if child.generation == 1 and len(died) == 2:
        raise ZeroDivisionError("clumsy")
    buried(self, child)
executor.Executor._on_exit = clumsy
sys.exit(supervisor.main(sys.argv[1:]))
"""


def test_another_takes_over_and_goes_on_where_an_order_was_lost(fleet):
    up = fleet(feed={}, app={"needs": ["feed"]}, supervisor=("-P", "-c", CLUMSY))
    up.mistaken = True
    up.all("ready")
    feed = up.pid("feed")

    up.client.ask("restart", ("app",))
    up.until(lambda: up.states()["app"] == "ready")
    with suppress(OutcomeUnknown):  # it may be gone before it has answered
        up.client.ask("stop", ("app",))

    up.until(lambda: up.status().generation == 2)
    up.until(lambda: up.states() == {"feed": "ready", "app": "stopped"})
    assert up.pid("feed") == feed
    assert "ZeroDivisionError" in up.own_log.read_text()
    (alert,) = [event for event in up.events("alert") if "mistake" in event.text]
    assert "another supervisor looks what runs" in alert.text


def test_in_bound_mode_where_its_end_would_be_that_of_all_it_goes_on(fleet):
    up = fleet(mode="bound", feed={}, app={}, supervisor=("-P", "-c", CLUMSY))
    up.mistaken = True
    up.all("ready")
    feed = up.pid("feed")

    up.client.ask("restart", ("app",))
    up.until(lambda: up.states()["app"] == "ready")
    up.client.ask("stop", ("app",))

    up.until(lambda: [event for event in up.events("alert") if "it goes on" in event.text])
    assert (up.status().generation, up.pid("feed")) == (1, feed)


def test_what_a_reload_takes_out_stops_in_order_and_nothing_is_lost_over_it(fleet, tmp_path):
    up = fleet(base={}, mid={"needs": ["base"]}, stays={})
    up.all("ready")
    raw = fleet_as_dict(read_fleet(up.folder.fleet_file))
    raw["platforms"] = {"stays": raw["platforms"]["stays"]}
    (tmp_path / "next.yaml").write_text(fleet_to_yaml(decode_fleet(raw)))

    up.client.ask("reload", data={"file": str(tmp_path / "next.yaml")})

    up.until(lambda: up.states() == {"stays": "ready"})
    ended = [(event.platform, event.data["code"]) for event in up.events("exited")]
    assert ended == [("mid", 0), ("base", 0)]  # each by its own will, at its SIGTERM
    assert sys.executable in str(raw["platforms"])


def test_without_its_guard_it_makes_room_where_another_guard_is_coming(fleet, monkeypatch, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        up = fleet(feed={})
        up.all("ready")
        feed = up.pid("feed")

        os.kill(up.guard.pid, signal.SIGKILL)
        up.guard.wait()
        up.again()  # as it does, at once

        up.until(lambda: up.status().generation == 2 and up.states() == {"feed": "ready"})
    assert up.pid("feed") == feed
    (alert,) = [event for event in up.events("alert") if "guard" in event.text]
    assert "starts another, which takes over" in alert.text


def test_without_its_guard_it_goes_on_where_nobody_starts_another(fleet, monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    up = fleet(feed={})
    up.all("ready")
    supervisor = up.supervisor()

    os.kill(up.guard.pid, signal.SIGKILL)
    up.guard.wait()

    up.until(lambda: [event for event in up.events("alert") if "nobody starts another" in event.text])
    assert (up.supervisor(), up.status().generation) == (supervisor, 1)
    up.client.ask("down")
    up.until(lambda: up.supervisor() is None)
