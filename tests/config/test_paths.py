"""Dotted paths of what can be varied."""

import pytest

from flotilla.config.paths import of_owner, put, split_path


@pytest.mark.parametrize(
    ("key", "parts", "of_portfolio"),
    [
        ("cross.fast", ("cross", "fast"), False),
        ("portfolio.fee_bps", ("portfolio", "fee_bps"), True),
        ("portfolio.rebalance.band", ("portfolio", "rebalance.band"), True),
        ("fast", ("fast", ""), False),
    ],
)
def test_a_path_has_an_owner_and_a_name(key, parts, of_portfolio):
    assert split_path(key) == parts
    assert split_path(key).of_portfolio is of_portfolio


def test_keys_are_found_by_their_owner():
    keys = ["a.fast", "portfolio.lot", "b.fast", "a.weight"]

    assert of_owner(keys, "a") == {"fast": "a.fast", "weight": "a.weight"}
    assert of_owner(keys, "portfolio") == {"lot": "portfolio.lot"}


def test_a_value_is_put_where_its_path_says():
    raw = {"portfolio": {"rebalance": "month"}, "strategies": {"a": {"weight": 1.0, "params": {"fast": 3}}}}

    for key, value in {
        "a.fast": 5,
        "a.weight": 0.5,
        "portfolio.lot": 1,
        "portfolio.rebalance.band": 0.1,
    }.items():
        put(raw, key, value)

    assert raw == {
        "portfolio": {"rebalance": {"every": "month", "band": 0.1}, "lot": 1},
        "strategies": {"a": {"weight": 0.5, "params": {"fast": 5}}},
    }
