import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.campaign import trials

from flotilla.fleet.spec.graph import as_dot, as_text, check, levels, needed_by, needers_of, needs_of

GRAPHS = trials(1_000, 10_000)
DIAMOND = {"last": ["left", "right"], "left": ["feed"], "right": ["feed"], "feed": []}
NAMES = [f"p{number}" for number in range(8)]


@pytest.mark.parametrize(
    ("graph", "mistakes"),
    [
        (DIAMOND, []),
        ({}, []),
        ({"a": ["a"]}, ["$.platforms.a.needs: a -> a"]),
        ({"a": ["b"], "b": ["a"]}, ["$.platforms.a.needs: a -> b -> a"]),
        ({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]}, ["$.platforms.a.needs: a -> b -> c -> a"]),
        (
            {"a": ["b"], "b": ["a"], "x": ["y"], "y": ["x", "a"]},
            ["$.platforms.a.needs: a -> b -> a", "$.platforms.x.needs: x -> y -> x"],
        ),
        (
            {"feed": [], "a": ["fede"]},
            ["$.platforms.a.needs: no platform is called 'fede'; did you mean feed?"],
        ),
        ({"a": ["b"]}, ["$.platforms.a.needs: no platform is called 'b'; there is none"]),
    ],
)
def test_what_is_wrong_is_told_with_its_path(graph, mistakes):
    assert check(graph) == mistakes


def test_the_shortest_circle_is_told():
    graph = {"a": ["b", "c"], "b": ["c"], "c": ["d"], "d": ["a"]}

    assert check(graph) == ["$.platforms.a.needs: a -> c -> d -> a"]


def test_a_start_goes_level_by_level():
    assert levels(DIAMOND) == (("feed",), ("left", "right"), ("last",))
    assert levels(DIAMOND, ["last", "left"]) == (("left",), ("last",))


def test_closures_follow_the_arrows_to_their_ends():
    assert needs_of(DIAMOND, ["left"]) == {"left", "feed"}
    assert needers_of(DIAMOND, ["left"]) == {"left", "last"}
    assert needed_by(DIAMOND)["feed"] == ("left", "right")


def test_a_chain_of_ten_thousand_is_no_matter():
    chain = {f"n{k}": [f"n{k - 1}"] if k else [] for k in range(10_000)}

    assert check(chain) == []
    assert len(levels(chain)) == 10_000
    assert len(check(chain | {"n0": ["n9999"]})) == 1


def test_it_is_drawn_below_what_it_needs():
    assert as_text(DIAMOND, {"feed": "ready"}).splitlines() == [
        "feed  ready",
        "├─ left",
        "│  └─ last",
        "└─ right",
        "   └─ last",
    ]
    assert '  "feed" -> "left";' in as_dot(DIAMOND, {"feed": "ready"})


@st.composite
def any_graphs(draw):
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    return {name: draw(st.lists(st.sampled_from([*NAMES, "who"]), max_size=3)) for name in names}


@pytest.mark.campaign(GRAPHS)
@settings(max_examples=GRAPHS, deadline=None)
@given(any_graphs())
def test_any_graph_is_refused_with_a_path_that_is_there_or_has_an_order(graph):
    mistakes = check(graph)

    for mistake in mistakes:
        where, _, what = mistake.partition(".needs: ")
        name = where.removeprefix("$.platforms.")
        if "->" in what:
            circle = what.split(" -> ")
            assert circle[0] == circle[-1] == name
            assert all(need in graph[one] for one, need in itertools.pairwise(circle))
        else:
            assert any(need not in graph for need in graph[name])
    if not mistakes:
        order = [name for level in levels(graph) for name in level]
        assert sorted(order) == sorted(graph)
        assert all(order.index(need) < order.index(name) for name in graph for need in graph[name])
