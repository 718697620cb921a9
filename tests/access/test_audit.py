"""The audit log: what was done to it is found, whatever it was."""

import random
import resource
import stat
import subprocess
import sys
from contextlib import closing, suppress
from time import perf_counter

import pytest

from flotilla.access.audit import Chain, Deed, read_audit, verify
from flotilla.errors import ConfigError, StreamError

RECORDS = 10_000
TRIES = 1_000


class Kept:
    """The three files of one log."""

    def __init__(self, folder):
        self.log, self.key, self.anchor = folder / "audit.log", folder / "audit.key", folder / "audit.anchor"

    def open(self):
        return closing(Chain(self.log, self.key, self.anchor))

    def verify(self):
        return verify(self.log, self.key, self.anchor)


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path)


def filled(kept, count):
    with kept.open() as chain:
        for number in range(count):
            chain.append("cli:ann", "restart", f"feed-{number % 7}", "it was slow", "ok")
    return kept


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    return filled(Kept(tmp_path_factory.mktemp("audit")), RECORDS)


def test_what_was_done_is_read_back(kept):
    with kept.open() as chain:
        first = chain.append("cli:ann", "stop", "feed", 'said "now"\n', "ok")
        second = chain.append("api:desk", "start", "feed", "", "refused: no such platform", sync=True)

    records = read_audit(kept.log)

    assert [(r.seq, r.who, r.action, r.why) for r in records] == [
        (first, "cli:ann", "stop", 'said "now"\n'),
        (second, "api:desk", "start", ""),
    ]
    assert [r.seq for r in read_audit(kept.log, from_seq=2)] == [2]
    assert kept.verify() == (True, 2, "2 records, each as it was written")


def test_a_new_log_verifies_and_its_files_are_private(kept):
    with kept.open():
        assert kept.verify().ok

    for path in (kept.log, kept.key, kept.anchor):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_chain_goes_on_after_a_restart(kept):
    filled(kept, 3)
    with kept.open() as chain:
        assert (chain.append("supervisor", "start", "feed", "", "ok"), chain.found) == (4, "")

    assert kept.verify() == (True, 4, "4 records, each as it was written")


def test_a_log_in_use_verifies_and_has_one_writer(kept):
    with kept.open() as chain:
        chain.append("cli:ann", "stop", "feed", "", "ok")
        assert kept.verify().ok
        with pytest.raises(StreamError, match="has a writer already"):
            kept.open()


def change(rng, log):
    at = rng.randrange(len(log))
    return log[:at] + bytes([log[at] ^ rng.randrange(1, 256)]) + log[at + 1 :]


def delete(rng, log):
    lines = log.splitlines(keepends=True)
    first = rng.randrange(len(lines))
    del lines[first : first + rng.choice((1, 1, 2, 50))]
    return b"".join(lines)


def delete_bytes(rng, log):
    at = rng.randrange(len(log))
    return log[:at] + log[at + rng.choice((1, 7, 300)) :]


def reorder(rng, log):
    lines = log.splitlines(keepends=True)
    one, other = rng.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def insert(rng, log):
    lines = log.splitlines(keepends=True)
    lines.insert(rng.randrange(len(lines) + 1), rng.choice((rng.choice(lines), b"\n", b"made up\n")))
    return b"".join(lines)


def insert_bytes(rng, log):
    at = rng.randrange(len(log) + 1)
    return log[:at] + rng.randbytes(rng.choice((1, 5))) + log[at:]


def truncate(rng, log):
    return log[: rng.randrange(len(log))]


def truncate_whole_records(rng, log):
    lines = log.splitlines(keepends=True)
    return b"".join(lines[: rng.randrange(len(lines))])


HARM = (change, delete, delete_bytes, reorder, insert, insert_bytes, truncate, truncate_whole_records)


@pytest.mark.parametrize("harm", HARM, ids=lambda harm: harm.__name__)
def test_every_harm_to_ten_thousand_records_is_found(long, tmp_path, harm):
    rng = random.Random(harm.__name__)
    whole = long.log.read_bytes()
    harmed = Kept(tmp_path)
    harmed.key, harmed.anchor = long.key, long.anchor

    found = 0
    for _ in range(TRIES // len(HARM)):
        harmed.log.write_bytes(harm(rng, whole))
        found += not harmed.verify().ok

    assert found == TRIES // len(HARM) == 125
    assert long.verify() == (True, RECORDS, f"{RECORDS} records, each as it was written")


def test_a_verdict_says_where(kept):
    lines = filled(kept, 5).log.read_bytes().splitlines(keepends=True)

    kept.log.write_bytes(b"".join(lines[:4]))
    cut = kept.verify()
    kept.log.write_bytes(b"".join([*lines[:2], lines[2].replace(b"slow", b"fine"), *lines[3:]]))
    changed = kept.verify()

    assert cut == (False, 4, "the log ends after record 4, and the anchor says 5")
    assert changed == (False, 2, "record 3 is not what was written there")


def test_any_change_of_the_anchor_is_found(kept):
    anchor = filled(kept, 3).anchor.read_bytes()

    found = 0
    for at in range(len(anchor)):
        kept.anchor.write_bytes(anchor[:at] + bytes([anchor[at] ^ 1]) + anchor[at + 1 :])
        found += not kept.verify().ok
    kept.anchor.unlink()

    assert found == len(anchor)
    assert kept.verify() == (False, 0, "the anchor is missing or damaged")


def test_a_log_whose_end_was_rewritten_without_the_key_is_found(kept, tmp_path):
    filled(kept, 5)
    (tmp_path / "other").mkdir()
    other = filled(Kept(tmp_path / "other"), 5)

    kept.log.write_bytes(other.log.read_bytes())

    assert not kept.verify().ok


def test_the_crash_between_log_and_anchor_is_no_harm(kept):
    filled(kept, 3)
    before = kept.anchor.read_bytes()
    with kept.open() as chain:
        chain.append("cli:ann", "stop", "feed", "", "ok")
    kept.anchor.write_bytes(before)  # as if the process had died before it wrote it

    crashed = kept.verify()
    with kept.open() as chain:
        assert (chain.found, chain.append("supervisor", "start", "feed", "", "ok")) == ("", 5)

    assert crashed == (True, 4, "4 records, each as it was written")
    assert kept.verify() == (True, 5, "5 records, each as it was written")


def test_the_crash_within_an_append_is_put_aside_and_told(kept):
    filled(kept, 3)
    with kept.log.open("ab") as log:
        log.write(b"0123456789abcdef")

    torn = kept.verify()
    with kept.open() as chain:
        assert chain.found == ""

    assert torn == (False, 3, "part of a line stands behind record 3; starting the fleet puts it aside")
    assert kept.verify().ok
    assert read_audit(kept.log)[-1].action == "audit mended"
    assert kept.log.with_name("audit.log.torn").read_bytes() == b"0123456789abcdef\n"


def whole_records_gone(kept):
    kept.log.write_bytes(b"".join(kept.log.read_bytes().splitlines(keepends=True)[:2]))


def part_of_a_record_gone(kept):
    kept.log.write_bytes(kept.log.read_bytes()[:-30])


def log_gone(kept):
    kept.log.unlink()


def anchor_gone(kept):
    kept.anchor.unlink()


def key_gone(kept):
    kept.key.unlink()


def last_record_unreadable(kept):
    kept.log.write_bytes(kept.log.read_bytes()[:-30] + b"\n")


BREAKS = (
    whole_records_gone,
    part_of_a_record_gone,
    log_gone,
    anchor_gone,
    key_gone,
    last_record_unreadable,
)


@pytest.mark.parametrize("harm", BREAKS, ids=lambda harm: harm.__name__)
def test_a_break_is_recorded_and_never_healed_by_going_on(kept, harm):
    filled(kept, 4)
    harm(kept)
    assert harm is key_gone or not kept.verify().ok

    with kept.open() as chain:
        assert chain.found
        chain.append("cli:ann", "stop", "feed", "", "ok")
    with kept.open() as chain:
        assert chain.found == "", "it is told once"

    assert not kept.verify().ok
    assert [r.action for r in read_audit(kept.log)][-2:] == ["audit broken", "stop"]


def test_words_that_look_like_a_break_are_none(kept):
    with kept.open() as chain:
        chain.append("cli:eve", "stop", "feed", '"action":"audit broken"', "ok")

    assert kept.verify().ok


def test_the_kill_of_its_writer_at_any_moment_leaves_a_chain_that_verifies(kept):
    script = (
        "import pathlib, sys\nfrom flotilla.access.audit import Chain\n"
        "chain = Chain(*map(pathlib.Path, sys.argv[1:]))\nprint('ready', flush=True)\n"
        "while True: chain.append('cli:ann', 'restart', 'feed', 'x' * 900, 'ok')"
    )
    argv = [sys.executable, "-c", script, str(kept.log), str(kept.key), str(kept.anchor)]
    rng = random.Random(7)
    for _ in range(5):
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as child:
            child.stdout.readline()
            with suppress(subprocess.TimeoutExpired):
                child.wait(rng.uniform(0.0, 0.1))
            child.kill()

        with kept.open() as chain:
            assert chain.found == ""
        verdict = kept.verify()
        assert verdict.ok, verdict

    assert verdict.records > 5


def test_without_a_key_nothing_is_verified(kept):
    with pytest.raises(ConfigError, match=r"audit\.key"):
        kept.verify()


def test_a_long_word_is_cut_and_an_odd_one_is_kept(kept):
    with kept.open() as chain:
        chain.append("cli:ann", "stop", "feed", "y" * 5_000, "\udcff")

    (record,) = read_audit(kept.log)

    assert (len(record.why), record.why[-1], record.outcome) == (1_000, "…", "?")


FULL = """
import pathlib, resource, signal, sys
from flotilla.errors import StreamError
from flotilla.access.audit import Chain
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
paths = [pathlib.Path(word) for word in sys.argv[1:4]]
chain = Chain(*paths)
for _ in range(5):
    chain.append("cli:ann", "stop", "feed", "", "ok")
resource.setrlimit(resource.RLIMIT_FSIZE, (paths[0].stat().st_size + int(sys.argv[4]), -1))
for _ in range(3):
    try:
        chain.append("cli:ann", "stop", "feed", "x" * 100, "ok")
    except StreamError as error:
        print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
print(chain.append("cli:ann", "start", "feed", "there is room again", "ok"), chain.found)
"""


@pytest.mark.parametrize("room", [0, 1, 90])
def test_a_full_disk_loses_what_it_would_not_have_and_the_chain_goes_on(kept, room):
    argv = [sys.executable, "-c", FULL, str(kept.log), str(kept.key), str(kept.anchor), str(room)]

    said = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()

    assert all("the audit log cannot be" in line for line in said[:3])
    assert said[3] == "7 "
    assert [record.action for record in read_audit(kept.log)][5:] == ["audit mended", "start"]
    assert kept.verify().ok


def test_of_an_append_that_failed_it_is_told_what_is_in_the_log_all_the_same(kept):
    one, other = (Deed("cli:ann", "stop", name, "", "ok") for name in "ab")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    with kept.open() as chain:
        chain.append_all([one])
        length = kept.log.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 * length + 20, before[1]))
        with pytest.raises(StreamError):
            chain.append_all([one, other])
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        there = chain.mend(), chain.mend()
        chain.append_all([other])

    assert there == (1, 0)
    assert [record.target for record in read_audit(kept.log)] == ["a", "a", "audit.log", "b"]
    assert kept.verify().ok


def test_a_hundred_thousand_records_are_verified_in_a_second(long):
    best = 9e9
    for _ in range(5):
        begun = perf_counter()
        assert long.verify().ok
        best = min(best, perf_counter() - begun)

    assert RECORDS / best >= 100_000
