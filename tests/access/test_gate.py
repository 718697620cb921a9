"""The gate: good tokens pass, the hash is paid seldom, and who guesses is stopped without harm to others."""

import asyncio
from time import perf_counter

import pytest
from argon2 import PasswordHasher
from tests.fleet.api.conftest import CHEAP, alter

from flotilla.access import tokens
from flotilla.access.gate import FAILURES, KNOWN_S, WINDOW_S, Gate, Refusal, Who
from flotilla.access.tokens import HASHER, Role, TokenBook

NS = 1_000_000_000


class Counting:
    """A cheap hasher that counts."""

    def __init__(self):
        self.count = 0

    def verify(self, hash_, secret):
        self.count += 1
        return CHEAP.verify(hash_, secret)

    def hash(self, secret):
        return CHEAP.hash(secret)


@pytest.fixture
def hasher():
    return Counting()


@pytest.fixture
def time():
    return [1_000 * NS]


@pytest.fixture
def gate(folder, hasher, time):
    made = Gate(TokenBook(folder.tokens), hasher=hasher, now=lambda: time[0])
    yield made
    made.close()


def admit(gate, *asked):
    """Return what becomes of (token's text, client), one after the other."""

    async def one_by_one():
        return [await gate.admit(f"Bearer {text}", client) for text, client in asked]

    return asyncio.run(one_by_one())


def statuses(answers):
    return [answer.status if isinstance(answer, Refusal) else 200 for answer in answers]


def test_a_good_token_says_who_asks(gate, texts):
    (who,) = admit(gate, (texts["operator"], "here"))

    assert isinstance(who, Who)
    assert (who.name, who.role) == ("operator", Role.OPERATOR)
    assert list(gate.logins) == [who]


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer é", "Bearer " + "x" * 200]
)
def test_what_is_no_token_costs_no_hash(gate, hasher, header):
    answer = asyncio.run(gate.admit(header, "here"))

    assert (answer.status, hasher.count) == (401, 0)


def test_the_hash_is_paid_once_in_a_while(gate, texts, hasher, time):
    answers = admit(gate, *[(texts["viewer"], "here")] * 100)
    paid = hasher.count
    time[0] += int(KNOWN_S * NS) + 1
    admit(gate, (texts["viewer"], "here"))

    assert statuses(answers) == [200] * 100
    assert (paid, hasher.count) == (1, 2)


def test_many_at_once_with_one_new_token_wait_for_one_hash(gate, texts, hasher):
    async def at_once():
        return await asyncio.gather(*(gate.admit(f"Bearer {texts['viewer']}", "here") for _ in range(50)))

    assert statuses(asyncio.run(at_once())) == [200] * 50
    assert hasher.count == 1


def test_a_known_token_that_is_revoked_expired_or_made_less_is_known_no_more(gate, texts, folder):
    ids = {name: tokens.parse(text)[0] for name, text in texts.items() if name in list(Role)}
    admit(gate, *((texts[role], "here") for role in Role))

    tokens.revoke(folder.tokens, ids["viewer"])
    alter(folder.tokens, ids["operator"], expires_ns=1)
    alter(folder.tokens, ids["admin"], role="viewer")
    viewer, operator, admin = admit(gate, *((texts[role], "here") for role in Role))

    assert (viewer.text, viewer.status) == ("this token was revoked: ask an admin for another", 401)
    assert (operator.text, operator.status) == ("this token has expired: ask an admin for another", 401)
    assert admin.role is Role.VIEWER


def test_five_failures_lock_a_client_out_for_a_minute(gate, texts, hasher, time):
    tries = statuses(admit(gate, *[(texts["unknown"], "there")] * 8))
    paid = hasher.count
    (refused,) = admit(gate, (texts["unknown"], "there"))
    time[0] += int(WINDOW_S * NS)
    later = statuses(admit(gate, (texts["unknown"], "there")))

    assert tries == [401] * FAILURES + [429] * 3
    assert paid == FAILURES
    assert 59 <= refused.retry_s <= 61
    assert later == [401]


def test_who_guesses_harms_nobody_else(gate, texts):
    admit(gate, (texts["viewer"], "here"))
    guesses = statuses(admit(gate, *[(texts["unknown"], "here")] * 10, *[(texts["bad"], "here")] * 10))

    known, fresh, elsewhere = admit(
        gate, (texts["viewer"], "here"), (texts["operator"], "here"), (texts["admin"], "elsewhere")
    )

    assert guesses == ([401] * FAILURES + [429] * 5) * 2
    assert statuses([known, fresh, elsewhere]) == [200, 200, 200]


def test_guesses_at_once_are_five_all_the_same(gate, hasher, texts):
    async def at_once():
        wrong = [texts["bad"][:-4] + f"{n:04d}" for n in range(50)]
        return await asyncio.gather(*(gate.admit(f"Bearer {text}", "there") for text in wrong))

    answers = statuses(asyncio.run(at_once()))

    assert (answers.count(401), answers.count(429), hasher.count) == (FAILURES, 45, FAILURES)


def test_ten_thousand_guesses_are_turned_away_at_once(gate, hasher, texts):
    begun = perf_counter()
    answers = statuses(admit(gate, *[(texts["unknown"], "there")] * 10_000))

    assert (answers.count(401), hasher.count) == (FAILURES, FAILURES)
    assert perf_counter() - begun < 5.0


def test_ten_thousand_clients_do_not_fill_the_memory(gate, texts, time):
    admit(gate, *((texts["unknown"], f"client {n}") for n in range(10_001)))
    time[0] += int(WINDOW_S * NS) + 1
    admit(gate, (texts["unknown"], "one more"))

    assert len(gate._failures) == 1


def test_an_id_that_nobody_has_takes_as_long_as_one_that_is(folder):
    slow = PasswordHasher(time_cost=2, memory_cost=8_192, parallelism=1)
    made = tokens.create(folder.tokens, "slow", Role.VIEWER, hasher=slow)
    gate = Gate(TokenBook(folder.tokens), hasher=slow)

    def fastest(text):
        best = 9e9
        for _ in range(5):
            begun = perf_counter()
            admit(gate, (text, f"{text} {begun}"))
            best = min(best, perf_counter() - begun)
        return best

    wrong = fastest(made.text[:-3] + ("AAA" if not made.text.endswith("AAA") else "BBB"))
    nobody = fastest("flt_zzzzzzzz_" + "x" * 43)
    gate.close()

    assert 0.5 < wrong / nobody < 2.0  # the hash is all of it; the rest is the machine's noise


def test_a_real_hash_costs_enough():
    hashed = HASHER.hash("x" * 43)
    begun = perf_counter()
    HASHER.verify(hashed, "x" * 43)

    assert perf_counter() - begun > 0.02


def test_a_stream_asks_whether_it_may_go_on(gate, texts, folder):
    (who,) = admit(gate, (texts["viewer"], "here"))
    before = gate.again(who)
    tokens.revoke(folder.tokens, who.id)

    assert (before, gate.again(who)) == (True, False)


def test_while_the_tokens_cannot_be_used_nobody_looks_on(folder, texts):
    gate = Gate(TokenBook(folder.tokens), hasher=CHEAP)
    who = asyncio.run(gate.admit(f"Bearer {texts['viewer']}", "here"))

    folder.tokens.chmod(0o640)

    assert not gate.again(who)
