import pytest

from flotilla.fleet.rules.plan import ReloadPlan, birth, others, reload_plan
from flotilla.fleet.spec import decode_fleet


def fleet(platforms, **more):
    return decode_fleet({"name": "demo", "platforms": platforms} | more)


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
        unchanged=("feed",), fleet=("mode", "monitoring.event_retention_days"), refused=("mode",)
    )


def test_others_are_those_of_an_order_that_nobody_named():
    order = (("portfolio",), ("strategy-a", "strategy-b"), ("feed",))

    assert others(order, ["feed"]) == ("portfolio", "strategy-a", "strategy-b")
    assert others(order, [name for level in order for name in level]) == ()


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
