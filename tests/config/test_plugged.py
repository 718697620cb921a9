"""Whether plugins are there, and take what a file gives them."""

import pytest

from flotilla.config import at, check_plugins, decode
from flotilla.errors import ConfigError

LEAST = {"name": "a", "strategies": {"s": {"kind": "k"}}}
MINE = 'def cross(fast: int = 10, slow: int = 30): "Long while fast is above slow."\n'


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strategies": {"s": {"kind": "mine:cros"}}}, "mine:cros: no 'cros' in it; did you mean cross"),
        (
            {"strategies": {"s": {"kind": "mine:cross", "params": {"fats": 1}}}},
            r"\$.strategies.s: no parameter of mine:cross is called 'fats'; did you mean fast\?",
        ),
        ({"sweep": {"s.fats": [1]}}, r"\$.strategies.s: no parameter of mine:cross is called 'fats'"),
        ({"sweep": {"s.fast": [1, 2.5]}}, r"fast of mine:cross: Expected `int`, got `float`, it is 2.5"),
        ({"data": {"source": "samples"}}, r"\$.data: no source is called 'samples'; did you mean sample\?"),
        ({"data": {"source": "csv"}}, r"\$.data: csv needs path"),
    ],
)
def test_plugins_are_asked_whether_they_take_their_parameters(tmp_path, change, message):
    (tmp_path / "mine.py").write_text(MINE)
    config = decode(LEAST | {"strategies": {"s": {"kind": "mine:cross"}}} | change)

    with pytest.raises(ConfigError, match=message):
        check_plugins(config, "run.yaml", tmp_path)


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        ([10.0, 20], (10, 20)),
        ({"from": 10, "to": 20, "step": 5.0}, (10, 15, 20)),
        ({"from": 10.0, "to": 12.5}, (10, 11, 12)),
        ([1e1], (10,)),
    ],
)
def test_a_whole_number_is_an_int_however_it_is_written(tmp_path, axis, values):
    (tmp_path / "mine.py").write_text(
        "def cross(fast: int, slow=9, many: list[int] = [], at: float = 1): pass\n"
    )
    params = {"slow": 8.0, "many": [3.0, 4], "at": 2}
    raw = LEAST | {"strategies": {"s": {"kind": "mine:cross", "params": params}}, "sweep": {"s.fast": axis}}

    config = check_plugins(decode(raw), "run.yaml", tmp_path)

    assert config.axes() == {"s.fast": values}
    assert [type(value) for value in config.axes()["s.fast"]] == [int] * len(values)
    assert repr(config.strategies["s"].params) == "{'slow': 8, 'many': [3, 4], 'at': 2.0}"


@pytest.mark.parametrize("step", [0.5, 2.5])
def test_halves_are_no_ints_and_are_told_with_their_parameter(tmp_path, step):
    (tmp_path / "mine.py").write_text("def cross(fast: int): pass\n")
    axis = {"from": 10, "to": 20, "step": step}
    raw = LEAST | {"strategies": {"s": {"kind": "mine:cross"}}, "sweep": {"s.fast": axis}}

    with pytest.raises(
        ConfigError, match=f"fast of mine:cross: Expected `int`, got `float`, it is 1{0 if step < 1 else 2}.5"
    ):
        check_plugins(decode(raw), "run.yaml", tmp_path)


WEIGHTED = "def sized(weight: float = 0.5, cap: float = 1.0): pass\n"


@pytest.mark.parametrize(
    ("strategy", "sweep", "message"),
    [
        (
            {},
            {"s.weight": [1, 2]},
            r"\$.sweep.s.weight: this is its weight in the mean of all strategies, and mine",
        ),
        (
            {"params": {"weight": 0.3}},
            {"s.weight": [1, 2]},
            r"\$.sweep.s.weight: .*call the parameter something",
        ),
        ({"weight": 0.3}, {}, r"\$.strategies.s.weight: .*give that as params: {weight: ...}"),
    ],
)
def test_a_weight_that_may_be_either_is_asked_about(tmp_path, strategy, sweep, message):
    (tmp_path / "mine.py").write_text(WEIGHTED)
    raw = LEAST | {"strategies": {"s": {"kind": "mine:sized"} | strategy}, "sweep": sweep}

    with pytest.raises(ConfigError, match=message):
        check_plugins(decode(raw), "run.yaml", tmp_path)


@pytest.mark.parametrize("given", [{}, {"params": {"weight": 0.3}}, {"weight": 2, "params": {"weight": 0.3}}])
def test_a_parameter_called_weight_is_taken_where_it_is_plain_which_is_which(tmp_path, given):
    (tmp_path / "mine.py").write_text(WEIGHTED)
    raw = LEAST | {"strategies": {"s": {"kind": "mine:sized"} | given}, "sweep": {"s.cap": [0.1, 0.2]}}

    config = check_plugins(decode(raw), "run.yaml", tmp_path)

    (one,) = at(config, {"s.cap": 0.2}).strategies.values()
    assert one.params == given.get("params", {}) | {"cap": 0.2}
    assert at(config, {"s.cap": 0.2}).portfolio.cap == 1.0


def test_a_parameter_without_a_default_may_be_given_by_the_sweep_alone(tmp_path):
    (tmp_path / "mine.py").write_text("def cross(fast: int): pass\n")
    raw = LEAST | {"strategies": {"s": {"kind": "mine:cross"}}, "sweep": {"s.fast": [1, 2]}}

    check_plugins(decode(raw), "run.yaml", tmp_path)
    with pytest.raises(ConfigError, match="mine:cross needs fast"):
        check_plugins(decode(raw | {"sweep": {}}), "run.yaml", tmp_path)
