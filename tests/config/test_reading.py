import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.config import (
    DataConfig,
    RunConfig,
    Steps,
    StrategyConfig,
    as_dict,
    at,
    decode,
    read,
    to_yaml,
)
from flotilla.door import parse
from flotilla.errors import ConfigError
from flotilla.model.measures import RANKED
from flotilla.model.terms import PortfolioConfig

CROSS = """
name: cross
data: {source: sample, start: 2010-01-01, end: null, instruments: [ON, NO, AAPL, 0700]}
strategies:
  cross: {kind: "mine:cross", params: {slow: 125}}
portfolio: {cash: 1000000, fee_bps: 1e1}
sweep:
  cross.fast: {from: 2, to: 11, step: 3}
  cross.slow: [105, 107]
  portfolio.max_drawdown: [null, 0.25]
  cross.weight: [1, 2.5]
"""
LEAST = {"name": "a", "strategies": {"s": {"kind": "k"}}}
MINE = 'def cross(fast: int = 10, slow: int = 30): "Long while fast is above slow."\n'


def wrong(raw):
    """Return what is wrong with a configuration: plain values, or YAML."""
    with pytest.raises(ConfigError) as caught:
        decode(parse(raw) if isinstance(raw, str) else raw, "run.yaml")
    text = str(caught.value)
    assert text.startswith("run.yaml") or isinstance(raw, str)
    return text.removeprefix("run.yaml:").strip()


def test_a_file_is_read_into_typed_values(tmp_path):
    (tmp_path / "run.yaml").write_text(CROSS)
    (tmp_path / "mine.py").write_text(MINE)

    config = read(tmp_path / "run.yaml")

    assert config.strategies == {"cross": StrategyConfig("mine:cross", 1.0, {"slow": 125})}
    assert config.data.start.isoformat() == "2010-01-01"
    assert config.data.instruments == ("ON", "NO", "AAPL", "0700")
    assert config.portfolio == PortfolioConfig(cash=1e6, fee_bps=10.0)
    assert type(config.portfolio.cash) is float
    assert config.rank_by == "sharpe"


def test_axes_keep_their_order_and_their_types():
    axes = decode(parse(CROSS)).axes()

    assert list(axes) == ["cross.fast", "cross.slow", "portfolio.max_drawdown", "cross.weight"]
    assert axes["cross.fast"] == (2, 5, 8, 11)
    assert {type(value) for value in axes["cross.fast"]} == {int}
    assert axes["portfolio.max_drawdown"] == (None, 0.25)


def test_one_portfolio_of_a_sweep_is_a_configuration_of_its_own():
    config = decode(parse(CROSS))

    one = at(config, {"cross.fast": 5, "portfolio.max_drawdown": 0.25, "cross.weight": 2.5})

    assert one.strategies["cross"] == StrategyConfig("mine:cross", 2.5, {"slow": 125, "fast": 5})
    assert one.portfolio.max_drawdown == 0.25
    assert one.sweep == {}
    assert config.strategies["cross"].params == {"slow": 125}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "Cross!"}, "$.name: 'Cross!' should be a letter"),
        ({"nme": "x"}, "$ has no key 'nme'; did you mean name?"),
        ({"data": {"sorce": "x"}}, "$.data has no key 'sorce'; did you mean source?"),
        ({"data": []}, "$.data should be keys and values, it is []"),
        ({"data": {"start": "2010-2-1"}}, "$.data.start: invalid RFC3339 encoded date, it is '2010-2-1'"),
        ({"data": {"start": "2010-01-02", "end": "2010-01-02"}}, "$.data.end: 2010-01-02 is not after"),
        ({"data": {"instruments": []}}, "$.data.instruments: expected `array` of length >= 1"),
        (
            {"data": {"instruments": ["A", 1.5]}},
            "$.data.instruments[1]: YAML reads it as 1.5: quote the name",
        ),
        (
            {"data": {"instruments": ["A", True]}},
            "$.data.instruments[1]: YAML reads it as True: quote the name",
        ),
        ({"sweep": {"fee_bps": [0, 5]}}, "$.sweep.fee_bps: say whose parameter it is: portfolio.fee_bps"),
        ({"sweep": {"fast": [1]}}, "$.sweep.fast: say whose parameter it is: s.fast"),
        ({"name": "a\0b"}, "$.name: holds a NUL, it is 'a\\x00b'"),
        ({"data": {"params": {"path": "a\0b"}}}, "$.data.params.path: holds a NUL"),
        ({"strategies": "x" * 9000}, "it is 'xxxx"),
        ({"portfolio": {"fee_bps": -1}}, "$.portfolio.fee_bps: expected `float` >= 0.0, it is -1"),
        ({"portfolio": {"fee_bps": "10"}}, "$.portfolio.fee_bps: expected `float`, got `str`, it is '10'"),
        ({"portfolio": {"cash": 0}}, "$.portfolio.cash: expected `float` > 0.0, it is 0"),
        ({"portfolio": {"cash": float("inf")}}, "$.portfolio.cash is inf, not a finite number"),
        ({"portfolio": {"size_at": "fil"}}, "$.portfolio.size_at: there is no 'fil'; did you mean fill"),
        ({"portfolio": {"fees": 1}}, "$.portfolio has no key 'fees'; did you mean fee_bps?"),
        (
            {"portfolio": {"start": "2009-01-01"}, "data": {"start": "2010-01-01"}},
            "$.portfolio.start: 2009-01-01 is outside 2010-01-01 to ...",
        ),
        ({"strategies": {}}, "$.strategies: there is none"),
        ({"strategies": {"s": {}}}, "$.strategies.s needs the key 'kind'"),
        ({"strategies": {"portfolio": {"kind": "k"}}}, "$.strategies: 'portfolio' should be"),
        ({"strategies": {"a.b": {"kind": "k"}}}, "$.strategies: 'a.b' should be"),
        ({"strategies": {"s": {"kind": "k", "wieght": 1}}}, "$.strategies.s has no key 'wieght'; did you"),
        ({"strategies": {"s": {"kind": "k", "weight": -1}}}, "$.strategies.s.weight: expected `float` >="),
        ({"strategies": {"s": {"kind": "k", "weight": 0}}}, "$.strategies: a weight above zero is needed"),
        ({"sweep": {"s.weight": [0, 1]}}, "$.strategies: a weight above zero is needed, for every portfolio"),
        ({"sweep": {"t.fast": [1]}}, "$.sweep.t.fast: nothing is called 't'"),
        ({"sweep": {"portfolio.fee": [1]}}, "$.sweep.portfolio.fee: a portfolio has no 'fee'; did you mean"),
        ({"sweep": {"portfolio.fee_bps": [1, -1]}}, "$.sweep.portfolio.fee_bps: expected `float` >= 0.0"),
        ({"sweep": {"s.fast": []}}, "$.sweep.s.fast should have at least one value, each once"),
        ({"sweep": {"s.fast": [1, 1.0]}}, "$.sweep.s.fast should have at least one value, each once"),
        ({"sweep": {"s.fast": {"from": 1}}}, "$.sweep.s.fast needs the key 'to'"),
        ({"sweep": {"s.fast": {"from": 1, "to": 9, "stp": 1}}}, "has no key 'stp'; did you mean step?"),
        ({"sweep": {"s.fast": {"from": 2, "to": 1}}}, "$.sweep.s.fast: 1 does not lead from 2 to 1"),
        ({"sweep": {"s.fast": {"from": 1, "to": 2, "step": 0}}}, "0 does not lead from 1 to 2"),
        ({"sweep": {"s.fast": {"from": 0, "to": 9, "step": 1e-9}}}, "values are more than 1000000"),
        ({"sweep": {"s.fast": 3}}, "$.sweep.s.fast: expected"),
        ({"rank_by": "sortino"}, "$.rank_by: a sweep cannot rank by 'sortino'; it can by final_equity"),
    ],
)
def test_a_mistake_is_told_with_its_path(change, message):
    assert message in wrong(LEAST | change)


def test_every_mistake_is_told_at_once():
    text = wrong(
        {"name": "a", "strategies": {"s": {"kind": 3}}, "data": {"sorce": 1}, "portfolio": {"cash": 0}}
    )

    assert [line.split()[0] for line in text.splitlines()] == [
        "$.strategies.s.kind:",
        "$.data",
        "$.portfolio.cash:",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nname: b", "configuration, line 2, column 1: the key 'name' comes twice"),
        ("strategies: {s: {kind: k, kind: k}}", "the key 'kind' comes twice"),
        ("name: [", "configuration, line 2, column 1: did not find"),
        ("a: &a [*a]", "a part of it holds itself"),
        ("", "$ should be keys and values, it is None"),
        ("name: !!python/object:os.system x", "could not determine a constructor"),
        ("? [a]\n: b", "found unhashable key"),
    ],
)
def test_what_is_no_plain_yaml_is_told_with_its_line(text, message):
    assert message in wrong(text)


def test_text_that_older_yaml_reads_as_something_else_stays_text():
    text = "[NO, on, yes, 2010-01-01, 12:30:00, 0700, 1_000, 0x1F, 1e-3, .5, 1., -3, true, ~]"

    assert parse(text) == [
        *("NO", "on", "yes", "2010-01-01", "12:30:00", "0700", "1_000", "0x1F"),
        *(0.001, 0.5, 1.0, -3, True, None),
    ]


def test_a_file_that_is_not_there_is_a_mistake_of_the_configuration(tmp_path):
    with pytest.raises(ConfigError, match=r"run.yaml cannot be read: No such file"):
        read(tmp_path / "run.yaml")
    (tmp_path / "run.yaml").write_bytes(b"name: \xff")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read(tmp_path / "run.yaml")


def test_an_instrument_of_digits_is_a_name():
    raw = LEAST | {"data": {"instruments": ["000001", 600519]}}

    assert decode(raw).data.instruments == ("000001", "600519")


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)
WORDS = TEXT | st.sampled_from(
    ["NO", "on", "1e-3", "0700", "~", "null", "2010-01-01", "1:30", "- a", "<<", ""]
)
NUMBERS = st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
PARAMS = st.dictionaries(WORDS, WORDS | NUMBERS | st.booleans() | st.none() | st.lists(WORDS), max_size=3)


@given(
    PARAMS,
    st.lists(WORDS, min_size=1, max_size=3),
    st.sampled_from(RANKED),
    st.dates() | st.none(),
    NUMBERS,
)
def test_a_file_that_is_written_is_read_back_as_it_was(params, names, measure, start, number):
    config = RunConfig(
        "a",
        {"s": StrategyConfig("k", 0.1, params)},
        DataConfig("sample", start, None, tuple(names)),
        PortfolioConfig(start=start),
        {"s.x": (number, None), "s.y": Steps(1, 2.5, 0.1)},
        measure,
    )

    assert decode(parse(to_yaml(config))) == config
    assert decode(as_dict(config)) == config


def test_what_no_file_can_hold_is_not_written():
    config = decode(LEAST | {"data": {"params": {"data": object()}}})

    with pytest.raises(ConfigError, match="a holds what no file can"):
        as_dict(config)
