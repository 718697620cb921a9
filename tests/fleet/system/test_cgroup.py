"""A control group holds a whole tree, where the machine lets us; where not, it says why."""

import os
import subprocess
import sys

import pytest

from flotilla.clock import sleep
from flotilla.fleet.system.cgroup import Cgroups, ControlGroup, Limits

LEAVES = """
import os
if os.fork() == 0:
    os.setsid()
    os.execvpe("sleep", ["sleep", "60"], {"PATH": os.environ["PATH"]})
"""


@pytest.fixture
def cgroups(tmp_path):
    cgroups = Cgroups(tmp_path / "fleet")
    yield cgroups
    cgroups.remove()


@pytest.fixture
def killing(cgroups):
    """Return them where the kernel kills a group at one word."""
    if not cgroups.make("probe").kills:
        pytest.skip(f"no control groups of version 2 here: {cgroups.reason}")
    return cgroups


def joined(group, command):
    """Run `command` in `group`."""

    def join():
        for folder in group.folders.values():
            (folder / "cgroup.procs").write_text("0")

    return subprocess.Popen(command, preexec_fn=join, stdout=subprocess.DEVNULL)  # noqa: PLW1509


def test_where_none_are_wanted_everything_is_done_without_and_the_reason_said(tmp_path):
    cgroups = Cgroups(tmp_path, use=False)

    group = cgroups.make("feed", Limits(memory=1, pids=1, cpu=1.0))

    assert cgroups.limits == frozenset()
    assert cgroups.reason
    assert (group.inside(), group.doors(), group.pids(), group.kills, group.tracks) == (
        None,
        [],
        set(),
        False,
        False,
    )
    assert group.remove()


def test_what_is_not_to_be_had_is_said(cgroups):
    missing = {"memory", "pids", "cpu"} - cgroups.limits

    assert all(name in cgroups.reason for name in missing) or "mounts none" in cgroups.reason


def test_whoever_is_in_a_group_is_of_its_platform(cgroups, tmp_path):
    group = cgroups.make("feed")
    if not group.tracks:
        pytest.skip(f"no control groups here: {cgroups.reason}")
    inside, outside = joined(group, ["sleep", "60"]), subprocess.Popen(["sleep", "60"])
    while inside.pid not in group.pids():
        sleep(0.005)

    found = [cgroups.platform_of(inside.pid), cgroups.platform_of(outside.pid)]
    stranger = Cgroups(tmp_path / "other" / "fleet").platform_of(inside.pid)

    for process in (inside, outside):
        process.kill()
        process.wait()
    group.remove()
    assert (found, stranger) == (["feed", None], None)


def test_all_that_a_platform_starts_is_in_its_group_and_dies_with_it(killing):
    group = killing.make("feed")
    process = joined(group, [sys.executable, "-c", LEAVES])
    process.wait()
    assert len(group.pids()) == 1

    assert not group.remove()
    group.kill()
    for _ in range(200):
        if not group.pids():
            break
        sleep(0.005)

    assert group.pids() == set()
    assert group.remove()


def test_a_group_that_was_killed_takes_another_platform_and_whoever_hid_in_it_is_killed(killing):
    group = killing.make("feed")
    group.kill()
    hidden = joined(group, ["sleep", "60"])
    again = killing.make("feed")

    assert hidden.wait() == -9
    assert again.inside() is None
    process = joined(again, ["true"])
    assert process.wait() == 0
    assert again.folders["v2"] in [found.folders["v2"] for found in killing.there()]


def test_a_process_is_found_in_its_group_again_by_another_supervisor(killing):
    group = killing.make("feed")
    process = joined(group, ["sleep", "60"])

    assert killing.of("feed", process.pid).folders == group.folders
    assert killing.of("strategy", process.pid).folders == {}
    process.kill()
    process.wait()
    assert killing.of("feed", process.pid).folders == {}


def test_a_limit_on_processes_is_the_kernels(cgroups):
    if "pids" not in cgroups.limits:
        pytest.skip(f"no limit on processes by group here: {cgroups.reason}")
    group = cgroups.make("feed", Limits(pids=3))

    process = joined(group, ["sh", "-c", "for i in 1 2 3 4 5; do sleep 60 & done; wait"])
    for _ in range(100):
        sleep(0.01)
        if len(folder_pids(group)) == 3:
            break

    found = folder_pids(group)
    for pid in found:
        os.kill(pid, 9)
    process.wait()
    assert 1 <= len(found) <= 3


def folder_pids(group: ControlGroup):
    return {int(p) for p in (next(iter(group.folders.values())) / "cgroup.procs").read_text().split()}


def test_empty_groups_are_removed(cgroups):
    folders = cgroups.make("feed").folders

    cgroups.remove()

    assert not any(folder.exists() for folder in folders.values())
