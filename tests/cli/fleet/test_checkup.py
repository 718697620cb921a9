from flotilla.cli.fleet import checkup
from flotilla.cli.fleet.checkup import BAD, FINE, WARN
from flotilla.fleet.folder import Folder
from flotilla.fleet.spec import decode_fleet
from flotilla.fleet.system.logs import NotSupported


def of(findings, what):
    return next(finding for finding in findings if finding.what == what)


def test_everything_about_the_machine_is_looked_at():
    found = checkup.machine()

    assert [finding.what for finding in found] == [
        "pidfd",
        "cgroups",
        "sqlite",
        "clock",
        "systemd",
        "open files",
    ]
    assert all(finding.verdict == FINE or finding.mend for finding in found)


def test_a_clock_that_was_never_set_is_bad(monkeypatch):
    monkeypatch.setattr(checkup, "now_ns", lambda: 0)

    assert of(checkup.machine(), "clock").verdict == BAD


def test_a_kernel_without_pidfds_is_bad(monkeypatch):
    def none(pid):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(checkup.os, "pidfd_open", none)

    assert of(checkup.machine(), "pidfd").verdict == BAD


def test_a_file_system_without_holes_is_a_warning(tmp_path, monkeypatch):
    def none(descriptor, end):
        raise NotSupported("no holes here")

    monkeypatch.setattr(checkup, "punch", none)

    assert of(checkup.run_folder(Folder(tmp_path)), "log rotation").verdict == WARN


def test_a_long_path_has_its_sockets_elsewhere(tmp_path):
    folder = Folder(tmp_path / ("x" * 90)).make()

    assert "too long" in of(checkup.run_folder(folder), "sockets").seen
    folder.leave()


def test_a_supervisor_is_named(tmp_path):
    folder = Folder(tmp_path / "run").make()
    before = of(checkup.run_folder(folder), "supervisor")
    hold = folder.take()
    deaf = of(checkup.run_folder(folder), "supervisor")
    folder.socket("control").touch()
    after = of(checkup.run_folder(folder), "supervisor")
    checkup.os.close(hold.lock)

    assert (before.verdict, deaf.verdict, after.verdict) == (WARN, BAD, FINE)
    assert all(str(checkup.os.getpid()) in one.seen for one in (deaf, after))


def test_more_than_the_machine_has_is_a_warning():
    platform = {"command": ["sleep", "1"], "required_resources": {"cpu_cores": 4000}}
    spec = decode_fleet({"name": "big", "platforms": {"one": platform}})

    assert of(checkup.needs_of(spec), "resources").verdict == WARN
