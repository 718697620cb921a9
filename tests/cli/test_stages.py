import os

from flotilla.clock import now_ns


def test_nothing_is_stored_at_first(call, home):
    found = call("stages")

    assert (found.code, found.out) == (0, "")
    assert found.err == f"0 in {home / 'store'}, 0 B\n"
    assert call("stages", "--json").json == []


def test_what_was_computed_is_listed_with_what_it_is_made_of(call, six):
    identity = call("sweep", six, "--json").json["identity"]

    found = call("stages")
    (stored,) = (each for each in call("stages", "--json").json if each["kind"] == "sweep")

    assert identity[:12] in found.out
    assert "config small" in found.out
    assert stored["identity"] == identity
    assert stored["rows"] == 6
    assert stored["recipe"]["config"]["name"] == "small"


def test_one_is_removed_by_the_beginning_of_its_identity(call, six):
    identity = call("sweep", six, "--json").json["identity"]

    gone = call("stages", "rm", identity[:10])

    assert (gone.code, gone.out) == (0, f"removed {identity}: sweep, {gone.out.split(', ')[-1]}")
    assert call("stages", "--json").json == []
    assert call("stages", "rm", identity[:10], "--json").code == 2


def test_what_is_stored_is_verified_byte_by_byte(call, six, home):
    identity = call("sweep", six, "--json").json["identity"]
    sound = call("stages", "verify")
    path = home / "store" / identity / "table.arrow"
    damaged = bytearray(path.read_bytes())
    damaged[-200] ^= 1
    path.write_bytes(damaged)

    found = call("stages", "verify", identity[:6], "--json")

    assert sound.code == 0
    assert "1 as they were written" in sound.out
    assert (found.code, found.json["error"]["kind"]) == (1, "DataError")
    assert identity in found.err
    assert f"flotilla stages rm {identity[:12]}" in found.err


def left_by(home, identity, hours):
    """Make what a sweep leaves that was stopped some hours ago."""
    folder = home / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in ((f"{identity}-0", 1_000), (f".{identity}-0.partial-9", 500)):
        (folder / name).write_bytes(b"x" * size)
        when = (now_ns() - hours * 3_600_000_000_000) // 1_000_000_000
        os.utime(folder / name, (when, when))


def test_what_stopped_sweeps_left_is_listed_and_the_old_ones_are_removed(call, home):
    left_by(home, "ab" * 16, hours=2)
    left_by(home, "cd" * 16, hours=0)

    listed, told = call("stages", "--json").json, call("stages")
    gone = call("stages", "rm", "--abandoned", "--json").json

    assert [(each["identity"], each["kind"], each["bytes"]) for each in listed] == [
        ("ab" * 16, "unfinished sweep", 1_500),
        ("cd" * 16, "unfinished sweep", 1_500),
    ]
    assert "flotilla stages rm --abandoned" in told.err
    assert [each["identity"] for each in gone] == ["ab" * 16]
    assert sorted(path.name for path in (home / "checkpoints").iterdir()) == [
        f".{'cd' * 16}-0.partial-9",
        f"{'cd' * 16}-0",
    ]
    assert call("stages", "rm", "--abandoned").err == "nothing is abandoned\n"


def test_what_one_sweep_left_is_removed_by_its_identity(call, home):
    left_by(home, "cd" * 16, hours=0)

    assert "unfinished sweep, 1.5 kB" in call("stages", "rm", "cdcd").out
    assert list((home / "checkpoints").iterdir()) == []


def test_rm_wants_one_thing_or_the_other(call):
    assert call("stages", "rm").code == 2
    assert call("stages", "rm", "3fa9", "--abandoned").code == 2
