"""Real fleets: a guard, a supervisor and small processes that say that they are ready and alive."""

import errno
import os
import signal
import subprocess
import sys

from flotilla.clock import now_ns, sleep
from flotilla.fleet import spec, supervisor
from flotilla.fleet.control.status import health
from flotilla.fleet.folder import FleetState, Folder, Kept

SECOND = 1_000_000_000


def test_a_fleet_comes_up_and_goes_down_in_order(fleet):
    up = fleet(feed={}, app={"needs": ["feed"]}, end={"needs": ["app"]})
    up.all("ready")

    answer = up.client.ask("down", why="evening")

    assert answer["order"] == [["end"], ["app"], ["feed"]]
    assert up.guard.wait(30) == 0
    states = [(e.platform, e.data["new"]) for e in up.events("state")]
    assert [name for name, new in states if new == "ready"] == ["feed", "app", "end"]
    assert [name for name, new in states if new == "stopped"] == ["end", "app", "feed"]
    assert up.marked() == []


def test_what_was_healthy_and_is_killed_is_there_again_however_often(fleet):
    up = fleet(feed={"backoff": {"healthy_after": 0.05}})
    up.all("ready")

    for _ in range(10):
        before = up.pid("feed")
        sleep(0.1)
        os.kill(before, signal.SIGKILL)
        up.until(
            lambda before=before: up.pid("feed") not in (None, before) and up.states()["feed"] == "ready"
        )

    assert len(up.events("spawned")) == 11


def test_what_hangs_is_found_by_its_silence_and_started_again(fleet):
    up = fleet(feed={"health": {"heartbeat_s": 1.0}})
    up.all("ready")
    pid = up.pid("feed")

    stopped = now_ns()
    os.kill(pid, signal.SIGSTOP)
    (hung,) = up.until(lambda: up.events("hung"))
    up.until(lambda: up.pid("feed") not in (None, pid) and up.states()["feed"] == "ready")

    assert hung.ts - stopped < 10 * SECOND  # 2.5 s, and more for a machine that has others to serve


def test_what_dies_too_often_has_failed_and_is_left_alone(fleet):
    up = fleet(
        bad={"words": "dies", "backoff": {"first": 0.01, "most": 0.02}}, app={"needs": {"bad": "started"}}
    )
    up.until(lambda: up.states()["bad"] == "failed")
    sleep(0.2)

    assert len([e for e in up.events("spawned") if e.platform == "bad"]) == 4
    assert health(up.status()) == "failed"
    assert any(e.platform == "bad" and e.data["severity"] == "critical" for e in up.events("alert"))


def test_a_supervisor_that_dies_leaves_its_children_running_and_the_next_one_adopts_them(fleet):
    up = fleet(every={"health": {"heartbeat_s": 1.0}}, **{f"p{n}": {} for n in range(5)})
    up.all("ready")
    pids = {platform.name: platform.pid for platform in up.status().platforms}
    first = up.supervisor()

    os.kill(first, signal.SIGKILL)
    up.until(lambda: up.supervisor() not in (None, first) and up.status().generation == 2)
    up.all("ready")
    sleep(3.0)  # longer than one may be silent

    assert {platform.name: platform.pid for platform in up.status().platforms} == pids
    assert len(up.events("spawned")) == 5
    assert len(up.events("adopted")) == 5
    os.kill(pids["p3"], signal.SIGKILL)
    up.until(lambda: up.pid("p3") not in (None, pids["p3"]))


def test_in_bound_mode_they_die_with_it(fleet):
    up = fleet(mode="bound", twins={"words": "twins deaf"}, plain={"words": "deaf"})
    up.all("ready")

    os.kill(up.supervisor(), signal.SIGKILL)

    assert up.guard.wait(30) != 0
    up.until(lambda: up.marked() == [])


def test_who_does_not_listen_is_killed_with_all_it_has_started(fleet):
    up = fleet(deaf={"words": "deaf twins", "shutdown_timeout": 0.3})
    up.all("ready")

    up.client.ask("stop", ("deaf",))
    up.all("stopped")
    up.until(lambda: up.marked() == [])

    assert [e.platform for e in up.events("killed")] == ["deaf"]
    assert any(e.data["severity"] == "critical" for e in up.events("alert"))


def test_one_that_is_never_ready_is_started_anew_until_its_budget_is_spent(fleet):
    up = fleet(
        late={"words": "late", "startup_timeout": 0.1, "max_restart_attempts": 1, "backoff": {"first": 0.01}}
    )

    up.all("failed")

    assert len(up.events("spawned")) == 2


def test_a_reload_starts_what_is_new_and_leaves_the_rest(fleet, tmp_path):
    up = fleet(feed={}, old={})
    up.all("ready")
    pid = up.pid("feed")
    now = spec.read_fleet(up.folder.fleet_file)
    raw = spec.fleet_as_dict(now)
    raw["platforms"]["new"] = raw["platforms"].pop("old") | {"needs": {"feed": "ready"}}
    (tmp_path / "next.yaml").write_text(spec.fleet_to_yaml(spec.decode_fleet(raw)))

    plan = up.client.ask("plan", data={"of": "reload", "file": str(tmp_path / "next.yaml")})
    up.client.ask("reload", data={"file": str(tmp_path / "next.yaml")})

    assert (plan["added"], plan["removed"]) == (["new"], ["old"])
    up.until(lambda: up.states() == {"feed": "ready", "new": "ready"})
    raw["platforms"]["feed"] |= {"health": {"probe": "tcp:127.0.0.1:1"}, "health_check_interval": 0.1}
    (tmp_path / "next.yaml").write_text(spec.fleet_to_yaml(spec.decode_fleet(raw)))
    assert up.pid("feed") == pid
    up.client.ask("reload", data={"file": str(tmp_path / "next.yaml")})
    up.until(lambda: up.states() == {"feed": "degraded", "new": "degraded"})


def test_a_stopped_platform_stays_stopped_under_the_next_supervisor(fleet):
    up = fleet(feed={}, app={})
    up.all("ready")
    up.client.ask("stop", ("app",))
    up.until(lambda: up.states()["app"] == "stopped")

    os.kill(up.supervisor(), signal.SIGKILL)
    up.until(lambda: up.status().generation == 2)

    assert up.states() == {"feed": "ready", "app": "stopped"}


def test_a_mistake_in_the_file_starts_nothing(tmp_path):
    folder = Folder(tmp_path / "run").make()
    folder.fleet_file.write_text("name: a\nplatforms: {p: {command: [x], needs: [p]}}\n")
    command = [sys.executable, "-m", "flotilla.fleet.supervisor", str(folder.path)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    assert done.returncode == 1
    assert "$.platforms.p.needs: p -> p" in done.stderr


def test_a_disk_that_is_full_keeps_a_supervisor_from_beginning_and_it_says_so(tmp_path, monkeypatch, capsys):
    def full(folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Folder, "take", full)

    assert supervisor.main([str(tmp_path / "run")]) == 1
    assert capsys.readouterr().err == "[Errno 28] No space left on device\n"


def test_a_stop_that_was_begun_is_ended_by_the_next_supervisor(fleet):
    up = fleet(feed={}, app={"needs": ["feed"], "words": "deaf", "shutdown_timeout": 3.0})
    up.all("ready")
    up.client.ask("stop", ("feed",))
    assert up.states() == {"feed": "ready", "app": "stopping"}

    os.kill(up.supervisor(), signal.SIGKILL)
    up.until(lambda: up.status().generation == 2)

    up.all("stopped")
    assert up.marked() == []


def hours(folder, now, **platforms):
    """Write down between which seconds from `now` on each is to run."""
    runs = [
        f'{{"platform": "{name}", "start_ns": {now + a * SECOND}, "stop_ns": {now + b * SECOND}}}'
        for name, (a, b) in platforms.items()
    ]
    names = ", ".join(f'"{name}"' for name in platforms)
    end = f'{{"platforms": [{names}], "until_ns": {now + 10**16}, "short": {{}}}}'
    (folder.path / "schedule.jsonl").write_text("\n".join([*runs, end, ""]))


def test_a_new_supervisor_starts_neither_what_a_person_stopped_nor_what_is_out_of_hours(fleet):
    daily = {"schedule": {"calendar": "none", "start": "09:00", "stop": "15:35"}}
    up = fleet(feed=dict(daily), app=dict(daily), end={})
    hours(up.folder, now_ns(), feed=(-9, 900), app=(-9, 900))
    up.all("ready")
    up.client.ask("stop", ("feed",))
    up.until(lambda: up.states()["feed"] == "stopped")
    sleep(0.1)
    up.guard.kill()
    for pid in (up.supervisor(), up.pid("app")):
        os.kill(pid, signal.SIGKILL)
    hours(up.folder, now_ns(), feed=(-9, 900), app=(-900, -9))  # the night goes by

    again = fleet(feed=dict(daily), app=dict(daily), end={})
    again.until(lambda: again.status().generation == 2)
    sleep(0.5)

    assert again.states() == {"feed": "stopped", "app": "stopped", "end": "ready"}
    assert [event.platform for event in again.events("spawned") if event.data["generation"] == 2] == []


def test_what_the_file_says_otherwise_of_by_now_is_started_again_by_the_next_supervisor(fleet):
    up = fleet(feed={}, app={})
    up.all("ready")
    feed, app = up.pid("feed"), up.pid("app")
    sleep(0.1)
    up.guard.kill()
    os.kill(up.supervisor(), signal.SIGKILL)

    again = fleet(feed={"max_restart_attempts": 9}, app={"env": {"MODEL": "trend"}})
    again.until(lambda: again.status().generation == 2 and set(again.states().values()) == {"ready"})
    again.until(lambda: again.pid("app") not in (None, app))
    again.all("ready")

    assert again.pid("feed") == feed
    app = again.pid("app")
    os.kill(again.supervisor(), signal.SIGKILL)
    again.until(lambda: again.status().generation == 3)
    assert again.pid("app") == app


def test_a_job_that_ends_under_the_next_supervisor_is_done_and_not_done_again(fleet):
    up = fleet(job={"kind": "job", "ready": "notify", "words": "works"})
    up.all("ready")

    os.kill(up.supervisor(), signal.SIGKILL)
    up.until(lambda: up.status().generation == 2)
    os.kill(up.pid("job"), signal.SIGUSR1)

    up.all("completed")
    assert len(up.events("spawned")) == 1


PATCHED = """
import os, sys
from flotilla.errors import ProcessError
from flotilla.fleet.system import resources, spawn
from flotilla.fleet import supervisor
def blind(self, roots): raise OSError(24, "Too many open files")
async def stuck(self): raise ProcessError("[7] were killed, and have not gone in 10 s")
resources.Sampler.sample = blind
spawn.Spawner.kill_all = stuck
sys.exit(supervisor.main(sys.argv[1:]))
"""


def test_a_stop_on_a_host_that_was_not_told_of_it_yet_is_ended_by_the_next_supervisor(fleet):
    more = {"leaving": {"then": "stop"}, "run": "1.1", "far_pid": 77}
    state = FleetState(1, 1, {"far": Kept(state="ready", more=more)})
    rest = {"hosts": {"b": {"address": "127.0.0.1:9"}}, "shutdown_timeout": 0.5}

    up = fleet(rest=rest, before=lambda folder: folder.write_state(state), far={"host": "b"})

    up.all("stopping")


def test_what_cannot_be_looked_at_or_killed_is_an_alert_and_no_end_of_supervision(fleet):
    up = fleet(rest={"monitoring": {"sample_every": 0.1}}, supervisor=("-c", PATCHED), a={})

    up.all("ready")
    up.until(lambda: len(up.events("alert")) > 2)
    up.guard.terminate()

    assert up.guard.wait(30) == 0
    assert up.events("alert")[-1].text == "left behind: [7] were killed, and have not gone in 10 s"
    assert up.events()[-1].kind == "fleet_stopped"
