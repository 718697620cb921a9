import pytest

from flotilla.errors import ProcessError
from flotilla.fleet.hosts import ledger as module
from flotilla.fleet.hosts.ledger import Ledger, Process
from flotilla.fleet.hosts.wire import Do, Ended, Hello, Running

TOKEN, OTHER = "a" * 16, "b" * 16


@pytest.fixture
def path(tmp_path):
    return tmp_path / "agent.json"


def hello(generation=1, token=TOKEN, epoch="", got=0):
    return Hello("live", "b", generation, token, epoch, got)


def do(n=1, generation=1):
    return Do(n, generation, "kill", "feed", "1.1")


def test_an_older_head_is_refused_and_its_orders_are_worth_nothing(path):
    ledger = Ledger(path)
    ledger.admit(hello(generation=5))

    for late in (4, 1, 0):
        with pytest.raises(ProcessError, match="generation 5 commands here"):
            ledger.admit(hello(generation=late, token=OTHER))
        assert not ledger.commanded(do(n=99, generation=late))
    assert ledger.commanded(do(generation=5))


def test_the_fence_outlives_the_agent(path):
    Ledger(path).admit(hello(generation=5))

    with pytest.raises(ProcessError, match="was replaced"):
        Ledger(path).admit(hello(generation=4, token=OTHER))


def test_another_head_of_the_same_generation_is_refused(path):
    ledger = Ledger(path)
    ledger.admit(hello())

    ledger.admit(hello())
    with pytest.raises(ProcessError, match="another head"):
        ledger.admit(hello(token=OTHER))


def test_a_fence_that_cannot_be_written_takes_up_no_head(path):
    path.mkdir()
    ledger = Ledger(path / "nowhere" / "agent.json")

    for _ in range(2):
        with pytest.raises(ProcessError, match="no head is taken up"):
            ledger.admit(hello())


def test_an_order_is_carried_out_once_also_by_the_next_agent(path):
    ledger = Ledger(path)
    ledger.admit(hello())
    ledger.did(do(3))
    ledger.keep()

    for one in (ledger, Ledger(path)):
        assert [one.commanded(do(n)) for n in (1, 3, 4)] == [False, False, True]


def test_what_was_not_got_is_told_again_in_order_also_by_the_next_agent(path):
    ledger = Ledger(path)
    ledger.admit(hello())
    epoch = ledger.welcome("b", hello()).epoch
    for n in range(5):
        ledger.tell("exited", "feed", f"1.{n}", code=n)
    ledger.got(2)
    ledger.keep()

    for one in (ledger, Ledger(path)):
        assert [told.seq for told in one.welcome("b", hello(epoch=epoch, got=2)).told] == [3, 4, 5]
        assert [told.seq for told in one.welcome("b", hello(epoch=epoch, got=4)).told] == [5]
        assert one.welcome("b", hello(epoch="another", got=2)).told == ()


def test_a_new_head_asks_what_runs_and_counts_its_orders_anew(path):
    ledger = Ledger(path)
    ledger.admit(hello())
    ledger.began("feed", Process("1.1", 12, 99, 1, ready=True))
    ledger.began("app", Process("1.2", 13, 99, 1))
    ledger.ended("app", 3)
    ledger.tell("exited", "app", "1.2", code=3)
    ledger.did(do(9))

    ledger.admit(hello(generation=2, token=OTHER))
    found = ledger.welcome("b", hello(generation=2, token=OTHER))

    assert (found.done, found.told) == (0, ())
    assert found.running == {"feed": Running("1.1", 12, True)}
    assert found.ended == {"app": Ended("1.2", 3)}
    assert ledger.state.platforms["feed"].pid == 12


@pytest.mark.parametrize("found", [b"", b"{", b"[]", b'{"epoch": 3}', b'{"epoch": "\xff"}', b"[" * 100_000])
def test_a_memory_that_is_damaged_is_put_aside_and_its_fence_stands(path, found):
    ledger = Ledger(path)
    ledger.admit(hello(generation=5))
    before = ledger.welcome("b", hello()).epoch
    path.write_bytes(found)

    after = Ledger(path)

    (aside,) = path.parent.glob("agent.json.damaged-*")
    assert aside.read_bytes() == found
    assert aside.name in after.damaged
    assert "generation 5" in after.damaged
    for ledger in (after, Ledger(path)):
        with pytest.raises(ProcessError, match="was replaced"):
            ledger.admit(hello(generation=4, token=OTHER))
    assert Ledger(path).damaged == ""
    assert after.admit(hello(generation=5))
    assert after.welcome("b", hello()).epoch != before


def test_without_any_fence_that_can_be_read_no_agent_begins(path):
    Ledger(path).admit(hello(generation=5))
    path.write_bytes(b"{")
    path.with_name("agent.generation").write_bytes(b"\0\0")

    with pytest.raises(ProcessError, match=r"is damaged, and .* should hold a number"):
        Ledger(path)


def test_an_alert_about_the_agent_itself_is_kept_and_said_to_whichever_head_comes(path):
    ledger = Ledger(path)
    ledger.admit(hello())
    ledger.tell("exited", "feed", "1.1", code=1)
    alert = ledger.tell("alert", "", "", text="its guard is gone")
    ledger.keep()

    for one in (ledger, Ledger(path)):
        one.admit(hello(generation=2, token=OTHER))
        assert one.welcome("b", hello(generation=2, token=OTHER)).told == (alert,)
    assert Ledger(path).damaged == ""


def test_a_head_that_misses_too_much_asks_what_runs(path, monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    ledger = Ledger(path)
    epoch = ledger.welcome("b", hello()).epoch

    for _ in range(4):
        ledger.tell("alert", "feed", "", text="x")

    found = ledger.welcome("b", hello(epoch=epoch))
    assert found.epoch != epoch
    assert found.told == ()


def test_a_disk_that_fails_stops_nothing(path):
    ledger = Ledger(path.parent / "gone" / "agent.json")

    ledger.began("feed", Process("1.1", 12, 99, 1))
    ledger.keep()
    assert "cannot be written" in ledger.trouble
    path.with_name("gone").mkdir()
    ledger.keep()

    assert ledger.trouble == ""
    assert Ledger(path.parent / "gone" / "agent.json").runs["feed"].pid == 12


def test_what_is_yet_to_start_is_said_to_a_head_and_forgotten_with_the_agent(path):
    ledger = Ledger(path)
    assert ledger.admit(hello())
    ledger.did(do())
    ledger.waiting["feed"] = "1.1"
    ledger.keep()

    assert not ledger.admit(hello())
    assert ledger.welcome("b", hello()).waiting == {"feed": "1.1"}
    assert Ledger(path).welcome("b", hello()).waiting == {}
