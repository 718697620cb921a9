import errno
import os

import msgspec
import pytest

from flotilla.errors import ConfigError
from flotilla.fleet.control.idempotency import UNKNOWN, IdempotencyKeys
from flotilla.fleet.control.status import Reply, Request

STOP = Request(4, "stop", ("feed",), key="k1")
DONE = Reply(4, ok=True, result={"seq": 9})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "asked.jsonl"


def test_a_key_is_new_once(path):
    asked = IdempotencyKeys(path)
    before = asked.find(STOP)
    asked.begin(STOP)
    asked.end(STOP, DONE)

    assert before is None
    assert asked.find(msgspec.structs.replace(STOP, id=7, who="another")) == Reply(7, True, DONE.result)


def test_a_later_supervisor_knows_what_was_replied(path):
    asked = IdempotencyKeys(path)
    asked.begin(STOP)
    asked.end(STOP, DONE)

    assert IdempotencyKeys(path).find(STOP) == DONE
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_command_that_a_death_cut_short_is_unknown(path):
    IdempotencyKeys(path).begin(STOP)

    found = IdempotencyKeys(path).find(STOP)

    assert found is not None
    assert (found.ok, found.error.kind) == (False, UNKNOWN)


def test_a_key_of_another_command_is_refused(path):
    asked = IdempotencyKeys(path)
    asked.begin(STOP)

    with pytest.raises(ConfigError, match="used for another command"):
        asked.find(msgspec.structs.replace(STOP, platforms=("router",)))


def test_a_line_that_a_death_cut_off_is_left_out(path):
    asked = IdempotencyKeys(path)
    asked.begin(STOP)
    asked.end(STOP, DONE)
    with path.open("ab") as file:
        file.write(b'{"key":"k2","dig')

    again = IdempotencyKeys(path)
    again.begin(msgspec.structs.replace(STOP, key="k3"))

    assert IdempotencyKeys(path).find(STOP) == DONE
    assert IdempotencyKeys(path).find(msgspec.structs.replace(STOP, key="k2")) is None
    assert IdempotencyKeys(path).find(msgspec.structs.replace(STOP, key="k3")) is not None


def test_the_oldest_keys_are_forgotten_and_the_file_stays_small(path):
    asked = IdempotencyKeys(path, most=10)
    for k in range(200):
        request = msgspec.structs.replace(STOP, key=f"k{k}")
        asked.begin(request)
        asked.end(request, DONE)

    assert asked.find(msgspec.structs.replace(STOP, key="k199")) == DONE
    assert asked.find(msgspec.structs.replace(STOP, key="k150")) is None
    assert len(path.read_bytes().splitlines()) <= 60


def test_without_a_file_it_remembers_all_the_same():
    asked = IdempotencyKeys()
    asked.begin(STOP)
    asked.end(STOP, DONE)

    assert asked.find(STOP) == DONE


def test_a_full_disk_refuses_no_command_and_what_it_tore_spoils_no_later_line(path, monkeypatch):
    asked = IdempotencyKeys(path)
    take = os.write

    def full(descriptor, data):
        take(descriptor, data[:9])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    asked.begin(STOP)
    asked.end(STOP, DONE)
    assert asked.find(STOP) == DONE
    monkeypatch.setattr(os, "write", take)
    other = msgspec.structs.replace(STOP, key="k2")
    asked.begin(other)
    asked.end(other, DONE)

    assert IdempotencyKeys(path).find(other) == DONE
