"""A fleet as an operator has it: brought up by the command line, asked over REST, its supervisor killed."""

import os
import re
import signal
import subprocess
import sys

import httpx
import pytest
from tests.fleet.api.conftest import bearer

from flotilla.clock import monotonic_ns, sleep
from flotilla.fleet.folder import Folder, run_folder_of

FLEET = """
name: desk
platforms:
  feed: {command: [sleep, '600'], ready: started}
  strategies: {command: [sleep, '600'], ready: started, needs: [feed]}
"""


@pytest.fixture
def cli(tmp_path):
    """Return what runs a command of `flotilla fleet` on a fleet that is brought down at the end."""
    file = tmp_path / "desk.yaml"
    file.write_text(FLEET)

    def run(*words):
        command = [sys.executable, "-m", "flotilla.cli.main", "fleet", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    yield run
    run("down", "--yes")


def until(true, patience_s=30.0):
    end_ns = monotonic_ns() + int(patience_s * 1e9)
    while monotonic_ns() < end_ns:
        if found := true():
            return found
        sleep(0.05)
    raise AssertionError("it did not come")


# While nobody listens, httpcore leaves the socket that it could not connect to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_a_fleet_is_asked_commanded_and_followed_over_rest(cli, tmp_path):
    up = cli("up", "desk.yaml", "--detach")
    assert up.returncode == 0, up.stderr
    text = re.search(r"flt_\S+", up.stdout + up.stderr)[0]
    folder = Folder(run_folder_of(tmp_path / "desk.yaml", "desk"))
    transport = httpx.HTTPTransport(uds=str(folder.socket("api")))
    with httpx.Client(transport=transport, base_url="http://fleet", headers=bearer(text), timeout=20) as api:
        before = api.get("/api/v1/platforms").json()
        pids = {one["name"]: one["pid"] for one in before["platforms"]}
        stop = {"json": {"action": "stop", "why": "lunch"}, "headers": {"Idempotency-Key": "lunch-today"}}
        first = api.post("/api/v1/platform/strategies/control", **stop)

        os.kill(before["pid"], signal.SIGKILL)  # the supervisor; another takes its place
        after = until(lambda: replaced(api, before["generation"]))
        again = api.post("/api/v1/platform/strategies/control", **stop)
        events = api.get("/api/v1/events?limit=500").json()["events"]
        denied = api.get("/metrics", headers={"Authorization": ""})

    states = {one["name"]: (one["state"], one["pid"]) for one in after["platforms"]}
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json(), "the same key is the same command, over a death"
    assert states == {"feed": ("ready", pids["feed"]), "strategies": ("stopped", None)}
    assert [one["seq"] for one in events] == list(range(1, len(events) + 1))
    assert denied.status_code == 401
    until(lambda: cli("audit", "verify").returncode == 0)
    audit = folder.audit.read_text()
    assert audit.count('"action":"stop","target":"strategies","why":"lunch"') == 1
    assert '"action":"login"' in audit
    assert text not in audit


def replaced(api, generation):
    """Return the fleet's status once a later supervisor answers, None until then."""
    try:
        answer = api.get("/api/v1/platforms")
    except httpx.TransportError:
        return None
    return answer.json() if answer.status_code == 200 and answer.json()["generation"] > generation else None
