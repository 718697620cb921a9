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
