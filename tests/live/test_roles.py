"""The roles of a live run, each declared once."""

from importlib import import_module

from flotilla.live.roles import EXECUTION, PORTFOLIO, ROLES, STRATEGY, needed_by, processes


def test_each_role_is_a_module_that_can_be_started():
    for role in ROLES:
        assert callable(import_module(f"flotilla.live.{role.name}").play)


def test_every_log_has_one_writer_and_every_stream_that_is_read_is_written():
    logs = [role.log for role in ROLES]
    written = {stream for role in ROLES for stream in role.writes}

    assert len({*logs}) == len(logs)
    assert {stream.log for stream in written} == {*logs}
    assert {stream for role in ROLES for stream in role.reads} <= written
    assert all(role.each_bar in role.writes for role in ROLES if role.each_bar)


def test_there_is_a_process_for_every_strategy_and_one_of_every_other_role():
    made = processes(["cross", "slow"])

    assert [each.name for each in made] == [
        "feed",
        "execution",
        "strategy-cross",
        "strategy-slow",
        "portfolio",
    ]
    assert [each.log for each in made] == ["bars", "orders", "signals-cross", "signals-slow", "portfolio"]


def test_who_needs_a_role_needs_all_its_processes():
    assert [*needed_by(PORTFOLIO, ["cross", "slow"])] == [
        "feed",
        "execution",
        "strategy-cross",
        "strategy-slow",
    ]
    assert [*needed_by(STRATEGY, ["cross"])] == [*needed_by(EXECUTION, ["cross"])] == ["feed"]
