import multiprocessing
import os
import signal
from datetime import date

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.clock import now_ns
from flotilla.errors import ConfigError, DataError, UnknownName
from flotilla.stream.table import DAMAGED, Store, home, identity_of

A, B = "a" * 32, "ab" * 16
TABLE = pa.table({"x": [1.0, float("nan"), -0.0], "s": pa.array(["u", "v", "u"]).dictionary_encode()})
RECIPE = {"kind": "signals", "params": {"fast": 2}}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def test_a_table_comes_back_as_it_was_and_is_not_copied(store):
    before = pa.total_allocated_bytes()
    store.put(A, TABLE, RECIPE)

    there = store.get(A)

    assert there.schema == TABLE.schema
    assert there["x"].chunk(0).to_numpy().tobytes() == TABLE["x"].chunk(0).to_numpy().tobytes()
    assert pa.total_allocated_bytes() - before < 1024


def test_a_table_in_pieces_comes_back_in_one(store):
    pieces = pa.concat_tables([TABLE, pa.table({"x": [2.0], "s": pa.array(["w"]).dictionary_encode()})])

    store.put(A, pieces, RECIPE)

    assert store.get(A)["x"].num_chunks == 1
    assert store.get(A)["s"].to_pylist() == ["u", "v", "u", "w"]


def test_what_is_not_there_is_none(store):
    assert store.get(A) is None
    assert not store.has(A)
    assert store.list() == []


def test_a_table_is_written_once(store):
    first = store.put(A, TABLE, RECIPE)

    again = store.put(A, pa.table({"x": [0.0]}), {"kind": "other"})

    assert again == first
    assert store.get(A).num_rows == 3


def test_the_list_says_what_there_is_oldest_first(store):
    second, first = store.put(B, TABLE.slice(1), {"kind": "sweep"}), store.put(A, TABLE, RECIPE)

    assert store.list() == sorted([first, second], key=lambda stored: stored.created_ns)
    assert (first.kind, first.rows, first.recipe) == ("signals", 3, RECIPE)
    assert first.bytes == (store.folder / A / "table.arrow").stat().st_size
    assert 0 < now_ns() - first.created_ns < 60_000_000_000


def test_other_programs_read_the_file(store):
    store.put(A, TABLE, RECIPE)

    frame = pl.read_ipc(store.folder / A / "table.arrow")

    assert frame["s"].to_list() == ["u", "v", "u"]


def test_nobody_else_may_look(store):
    store.put(A, TABLE, RECIPE)

    assert store.folder.stat().st_mode & 0o077 == 0
    assert (store.folder / A).stat().st_mode & 0o077 == 0


def test_a_table_is_removed_by_the_beginning_of_its_name(store):
    store.put(A, TABLE, RECIPE)
    store.put(B, TABLE, RECIPE)
    mapped = store.get(A)

    with pytest.raises(ConfigError, match="could be any of"):
        store.remove("a")
    with pytest.raises(UnknownName):
        store.remove("")
    removed = store.remove("aa")

    assert removed.identity == A
    assert [stored.identity for stored in store.list()] == [B]
    assert mapped["x"][0].as_py() == 1.0  # whoever has it mapped keeps it
    assert [path.name for path in store.folder.iterdir()] == [B]


@pytest.mark.parametrize("at", range(0, 1000, 97))
def test_any_changed_byte_is_found(store, at):
    stored = store.put(A, TABLE, RECIPE)
    path = store.folder / A / "table.arrow"
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 1
    path.write_bytes(data)

    for asked in (store.verify, lambda: store.get(A)):
        with pytest.raises(DataError, match=f"is damaged: .*\n    mend: flotilla stages rm {A[:12]}"):
            asked()
    assert stored in store.list()


def test_who_can_compute_it_anew_takes_a_table_or_none_and_a_damaged_one_is_put_away(store, caplog):
    store.put(A, TABLE, RECIPE)
    assert store.take(A).num_rows == 3
    assert store.take(B) is None
    path = store.folder / A / "table.arrow"
    path.write_bytes(bytes(path.stat().st_size))

    assert store.take(A) is None
    assert caplog.messages == [
        f"{store.folder / A} is damaged: its bytes are not those that were written; it is computed anew"
    ]
    assert store.list() == []
    assert store.put(A, TABLE, RECIPE).rows == 3


@pytest.mark.parametrize("word", ["signals", "fast", "rows", "2"])
def test_a_changed_word_of_a_recipe_is_found(store, word):
    store.put(A, TABLE, RECIPE)
    path = store.folder / A / "recipe.json"
    other = word[:-1] + ("3" if word == "2" else "x")
    path.write_text(
        path.read_text().replace(f'{word}"' if word != "2" else ": 2", f'{other}"' if word != "2" else ": 3")
    )

    with pytest.raises(DataError, match="recipe"):
        store.get(A)
    assert [stored.kind for stored in store.list()] == [DAMAGED]


def test_a_folder_without_a_recipe_is_damaged_for_the_list_and_for_verify(store):
    (store.folder / A).mkdir(parents=True)

    assert [stored.kind for stored in store.list()] == [DAMAGED]
    with pytest.raises(DataError, match="its recipe cannot be read"):
        store.verify()
    assert store.take(A) is None
    assert store.put(A, TABLE, RECIPE).rows == 3


def test_a_cut_table_is_found_when_it_is_asked_for(store):
    store.put(A, TABLE, RECIPE)
    path = store.folder / A / "table.arrow"
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(DataError, match=r"it has \d+ bytes and had \d+"):
        store.get(A)


@pytest.mark.parametrize("text", ["", "{}", '{"identity": "b"}', "\udcff"])
def test_a_damaged_recipe_is_listed_and_can_be_removed(store, text):
    store.put(A, TABLE, RECIPE)
    (store.folder / A / "recipe.json").write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(DataError, match="recipe"):
        store.get(A)
    assert [stored.kind for stored in store.list()] == [DAMAGED]
    assert store.remove(A).identity == A
    assert store.put(A, TABLE, RECIPE).rows == 3


def test_verify_reads_those_that_are_asked_for(store):
    store.put(A, TABLE, RECIPE)
    store.put(B, TABLE, RECIPE)

    assert [stored.identity for stored in store.verify("ab")] == [B]
    assert len(store.verify()) == 2
    with pytest.raises(UnknownName):
        store.verify("c")


def test_what_a_killed_writer_left_is_not_a_table_and_goes_after_a_day(store):
    store.put(A, TABLE, RECIPE)
    old, new = store.folder / ".partial-old", store.folder / ".partial-new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "table.arrow").write_bytes(b"half")
    os.utime(old, (0, 0))

    store.put(B, TABLE, RECIPE)

    assert [stored.identity for stored in store.list()] == [A, B]
    assert new.exists()
    assert not old.exists()


@pytest.mark.parametrize("name", ["../up", "", "XYZ", "a" * 7])
def test_a_name_that_is_no_identity_is_refused(store, name):
    with pytest.raises(ConfigError, match="is not an identity"):
        store.get(name)


def write_many(root, start):
    start.wait()
    for n in range(20):
        Store(root).put(f"{n:032x}", pa.table({"x": np.arange(1000.0) + n}), {"kind": "race"})


def test_writers_of_the_same_tables_do_not_disturb_each_other(tmp_path):
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(3)
    writers = [context.Process(target=write_many, args=(tmp_path, start)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)

    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert len(Store(tmp_path).verify()) == 20
    assert len(list((tmp_path / "store").iterdir())) == 20


def write_for_ever(root):
    n = 0
    while True:
        Store(root).put(f"{n:032x}", pa.table({"x": np.arange(50_000.0) + n}), {"kind": "killed"})
        n += 1


def test_a_writer_killed_at_any_moment_leaves_only_whole_tables(tmp_path):
    context = multiprocessing.get_context("spawn")
    writer = context.Process(target=write_for_ever, args=(tmp_path,))
    writer.start()
    store = Store(tmp_path)
    while len(store.list()) < 10:
        assert writer.is_alive()
    os.kill(writer.pid, signal.SIGKILL)
    writer.join(60)

    assert len(store.verify()) >= 10


def test_home_is_where_the_environment_says(monkeypatch, tmp_path):
    assert Store().folder == home() / "store"
    monkeypatch.delenv("FLOTILLA_HOME")
    assert str(home()) == ".flotilla"


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def told_apart(value):
    """Return a value that is equal only where the identity should be."""
    if isinstance(value, dict):
        return "map", sorted((key, told_apart(part)) for key, part in value.items())
    if isinstance(value, list):
        return "list", [told_apart(part) for part in value]
    return type(value).__name__, repr(value)


@given(PLAIN, PLAIN)
def test_equal_parameters_and_only_those_have_equal_identities(a, b):
    same = identity_of("k", "c", {"p": a}, []) == identity_of("k", "c", {"p": b}, [])

    assert same == (repr(told_apart(a)) == repr(told_apart(b)))


def test_an_identity_is_the_same_in_every_version():
    params = {"fast": 2, "alpha": 0.1, "on": True, "start": date(2020, 1, 1), "of": ("a", None)}

    assert identity_of("signals", "c0de", params, [A, B]) == "3ccd9d00002aa65fafd74c2a05f25299"


def test_the_order_of_inputs_counts_and_that_of_parameters_does_not():
    params = {"a": 1, "b": np.float64(2.0)}

    one = identity_of("k", "c", params, [A, B])

    assert one == identity_of("k", "c", {"b": 2.0, "a": np.int64(1)}, [A, B])
    assert one != identity_of("k", "c", params, [B, A])


def test_what_is_no_plain_value_has_no_identity():
    with pytest.raises(TypeError, match="is not a plain value"):
        identity_of("k", "c", {"model": object()}, [])
    with pytest.raises(TypeError, match="the key 1 is no text"):
        identity_of("k", "c", {"a": {1: 2}}, [])
