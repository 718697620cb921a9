"""The file of tokens: hashes, for its owner's eyes, changed by one at a time."""

import stat
import subprocess
import sys

import pytest
from tests.fleet.api.conftest import CHEAP, alter

from flotilla.access import tokens
from flotilla.access.tokens import HASHER, Role, TokenBook
from flotilla.clock import DAY_NS, now_ns
from flotilla.errors import ConfigError, UnknownName


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tokens.json"


def create(path, name="ann", role=Role.VIEWER, days=1.0):
    return tokens.create(path, name, role, days, hasher=CHEAP)


def test_a_token_is_kept_as_a_hash_in_a_private_file(path):
    made = create(path)
    id_, secret = tokens.parse(made.text)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert secret not in path.read_text()
    assert made.token.id == id_
    assert made.token.hash.startswith("$argon2id$")
    assert CHEAP.verify(made.token.hash, secret)
    assert (made.token.good(now_ns()), made.token.good(now_ns() + 2 * DAY_NS)) == (True, False)


def test_the_hash_of_real_tokens_is_costly():
    assert (HASHER.memory_cost, HASHER.time_cost) >= (32_768, 4)  # KiB, passes


def test_a_role_may_what_those_before_it_may():
    assert [Role.OPERATOR.may(role) for role in Role] == [True, True, False]
    assert [Role.ADMIN.may(role) for role in Role] == [True, True, True]
    assert [Role.VIEWER.may(role) for role in Role] == [True, False, False]


def test_the_first_token_is_an_admins_and_there_is_one(path):
    text = tokens.first(path)

    assert TokenBook(path).find(tokens.parse(text)[0]).role is Role.ADMIN
    assert tokens.first(path) is None


def test_the_book_sees_what_others_write(path):
    book = TokenBook(path)
    assert book.all() == []

    made = create(path)
    seen = book.find(made.token.id)
    tokens.revoke(path, made.token.id)

    assert seen == made.token
    assert not book.find(made.token.id).good(now_ns())


def test_a_name_is_used_once_at_a_time(path):
    first = create(path)
    with pytest.raises(ConfigError, match="a token called 'ann' already"):
        create(path)

    tokens.revoke(path, first.token.id)

    assert create(path).token.id != first.token.id


def test_long_gone_tokens_are_forgotten(path):
    old = create(path)
    alter(path, old.token.id, expires_ns=now_ns() - 31 * DAY_NS)

    create(path, "bob")

    assert [token.name for token in TokenBook(path).all()] == ["bob"]


@pytest.mark.parametrize(("name", "days"), [("", 1), ("Ann", 1), ("a" * 33, 1), ("ann", 0), ("ann", 400)])
def test_a_token_out_of_bounds_is_not_made(path, name, days):
    with pytest.raises(ConfigError):
        create(path, name, days=days)


def test_revoking_what_is_not_there_says_so(path):
    create(path)

    with pytest.raises(UnknownName, match="no token is called 'nobody'"):
        tokens.revoke(path, "nobody")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_may_read_is_refused(path, mode):
    made = create(path)
    path.chmod(mode)

    with pytest.raises(ConfigError, match="can be read by others"):
        TokenBook(path).find(made.token.id)
    with pytest.raises(ConfigError, match="can be read by others"):
        create(path, "bob")


def test_a_link_or_a_torn_file_is_refused(path, tmp_path):
    create(path)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="cannot be read"):
        TokenBook(path).all()

    path.unlink()
    path.write_bytes(b'{"tokens": [')
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="no file of tokens"):
        TokenBook(path).all()


@pytest.mark.parametrize(
    "text",
    ["", "letmein", "flt_abcd1234", "flt_abcd1234_short", "flt_ABCD1234_" + "x" * 43, "flt__" + "x" * 43],
)
def test_what_has_not_the_form_is_none(text):
    assert tokens.parse(text) is None


def test_many_who_write_at_once_lose_nothing(path):
    script = (
        "import pathlib, sys\nfrom argon2 import PasswordHasher\nfrom flotilla.access import tokens\n"
        "hasher = PasswordHasher(1, 8, 1)\n"
        "for n in range(10): tokens.create(pathlib.Path(sys.argv[1]), sys.argv[2] + str(n), "
        "tokens.Role.VIEWER, hasher=hasher)"
    )
    children = [subprocess.Popen([sys.executable, "-c", script, str(path), name]) for name in "abc"]

    assert [child.wait(30) for child in children] == [0, 0, 0]
    assert len(TokenBook(path).all()) == 30
