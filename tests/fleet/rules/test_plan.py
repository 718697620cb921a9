import pytest

from flotilla.errors import UnknownName
from flotilla.fleet.rules.plan import (
    ReloadPlan,
    birth,
    others,
    reload_plan,
    restart_order,
    start_order,
    stop_order,
)
from flotilla.fleet.spec import decode

# feed <- strategy-a, strategy-b <- portfolio; and one that stands alone
DIAMOND = {
    "feed": (),
    "strategy-a": ("feed",),
    "strategy-b": ("feed",),
    "portfolio": ("strategy-a", "strategy-b"),
    "clock": (),
}


def fleet(platforms, **more):
    return decode({"name": "demo", "platforms": platforms} | more)


def of(command="true", **more):
    return {"command": [command], "ready": "started"} | more


def test_the_same_file_changes_nothing():
    spec = fleet({"feed": of(), "router": of(needs=["feed"])})

    plan = reload_plan(spec, spec)

    assert plan == ReloadPlan(unchanged=("feed", "router"))
    assert plan.empty


def test_what_is_new_gone_and_other_is_told_apart():
    old = fleet({"feed": of(), "router": of(), "report": of()})
    new = fleet({"feed": of(), "router": of("false"), "recorder": of()})

    plan = reload_plan(old, new)

    assert (plan.added, plan.removed, plan.unchanged) == (("recorder",), ("report",), ("feed",))
    assert plan.changed == {"router": ("command",)}
    assert plan.restarts == ("router",)
    assert not plan.empty


@pytest.mark.parametrize(
    ("before", "after", "keys", "restarts"),
    [
        ({}, {"max_restart_attempts": 5}, ("max_restart_attempts",), False),
        ({}, {"backoff": {"first": 0.5, "most": 60}}, ("backoff.first", "backoff.most"), False),
        ({"env": {"A": "1"}}, {"env": {"A": "2", "B": "3"}}, ("env.A", "env.B"), True),
        (
            {},
            {"health": {"heartbeat_s": 1.0}},
            ("health.heartbeat_s", "health.misses", "health.timeout"),
            True,
        ),
        ({"log": {"keep": 5}}, {"log": {"keep": 9}}, ("log.keep",), False),
        ({"log": {"level": "INFO"}}, {"log": {"level": "DEBUG"}}, ("log.level",), True),
        ({}, {"required_resources": {"memory_mb": 100}}, ("required_resources.memory_mb",), True),
        ({}, {"needs": ["other"]}, ("needs.other",), False),
        ({}, {"shutdown_timeout": 3.0}, ("shutdown_timeout",), False),
    ],
)
def test_only_what_a_process_was_born_with_starts_it_again(before, after, keys, restarts):
    old = fleet({"feed": of(**before), "other": of()})
    new = fleet({"feed": of(**after), "other": of()})

    plan = reload_plan(old, new)

    assert tuple(sorted(plan.changed["feed"])) == keys
    assert plan.restarts == (("feed",) if restarts else ())


def test_keys_of_the_fleet_are_told_too():
    old = fleet({"feed": of()})
    new = fleet({"feed": of()}, mode="bound", monitoring={"event_retention_days": 3})

    assert reload_plan(old, new) == ReloadPlan(
        unchanged=("feed",), fleet=("mode", "monitoring.event_retention_days")
    )


def test_who_needs_it_stops_first_and_each_once():
    order = stop_order(DIAMOND, DIAMOND, ["feed"])

    assert order == (("portfolio",), ("strategy-a", "strategy-b"), ("feed",))
    assert others(order, ["feed"]) == ("portfolio", "strategy-a", "strategy-b")


def test_what_does_not_run_has_nothing_to_stop():
    assert stop_order(DIAMOND, ["feed", "portfolio"], ["feed"]) == (("portfolio",), ("feed",))
    assert stop_order(DIAMOND, [], ["feed"]) == ()


def test_all_of_it_stops_in_reverse():
    order = stop_order(DIAMOND, DIAMOND, DIAMOND)

    assert order == (("clock", "portfolio"), ("strategy-a", "strategy-b"), ("feed",))
    assert others(order, DIAMOND) == ()


def test_what_it_needs_starts_before_it_unless_it_runs():
    assert start_order(DIAMOND, [], ["portfolio"]) == (
        ("feed",),
        ("strategy-a", "strategy-b"),
        ("portfolio",),
    )
    assert start_order(DIAMOND, ["feed", "strategy-a"], ["portfolio"]) == (("strategy-b",), ("portfolio",))


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        ("one_for_one", (("strategy",),)),
        ("rest_for_one", (("portfolio",), ("strategy",))),
        ("one_for_all", (("portfolio",), ("strategy",), ("feed",))),
    ],
)
def test_a_restart_takes_along_whom_the_group_says_and_nobody_else(policy, order):
    group = {"group": "orders"}
    platforms = {
        "feed": of(**group),
        "strategy": of(needs=["feed"], **group),
        "portfolio": of(needs=["strategy"], **group),
        "report": of(needs=["strategy"]),
    }
    spec = fleet(platforms, groups={"orders": {"policy": policy}})

    assert restart_order(spec, platforms, ["strategy"]) == order


def test_an_unknown_name_answers_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean portfolio"):
        stop_order(DIAMOND, DIAMOND, ["portfolo"])


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"command": "y"}, False),
        ({"env": {"A": "1"}}, False),
        ({"health": {"heartbeat_s": 1.0}}, False),
        ({"health": {"probe": "tcp:127.0.0.1:1"}}, True),
        ({"shutdown_timeout": 3.0}, True),
        ({"log": {"level": "DEBUG"}}, True),
    ],
)
def test_a_birth_is_another_where_a_process_would_be(changes, same):
    before, after = (fleet({"feed": of(**more)}).platforms["feed"] for more in ({}, changes))

    assert (birth(before) == birth(after)) is same
