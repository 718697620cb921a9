"""Several portfolios of one file: what they have in common, and what each has apart."""

import pytest

from flotilla.config import as_dict, decode, read, to_yaml
from flotilla.door import parse
from flotilla.errors import ConfigError
from flotilla.research import run, sweep

STRATEGIES = {"cross": {"kind": "ma_cross"}, "hold": {"kind": "buy_and_hold", "weight": 0.5}}


def book(portfolios, **more):
    return decode({"name": "book", "strategies": STRATEGIES, "portfolios": portfolios, **more})


def test_each_has_the_common_terms_and_its_own():
    config = book({"careful": {"cap": 0.1}, "bold": None}, portfolio={"fee_bps": 3, "cap": 0.5})

    each = config.each()

    assert [*each] == ["book-careful", "book-bold"]
    terms = [(one.portfolio.fee_bps, one.portfolio.cap) for one in each.values()]
    assert terms == [(3, 0.1), (3, 0.5)]
    assert [(one.name, one.portfolios) for one in each.values()] == [("book-careful", {}), ("book-bold", {})]


def test_a_file_without_them_is_one_portfolio_under_its_own_name():
    config = book({})

    assert config.each() == {"book": config}


@pytest.mark.parametrize(
    ("told", "weights"),
    [
        (None, {"cross": 1.0, "hold": 0.5}),
        (["hold", "cross"], {"cross": 1.0, "hold": 0.5}),
        (["hold"], {"hold": 0.5}),
        ({"hold": 2 / 3, "cross": 0.25}, {"cross": 0.25, "hold": 2 / 3}),
    ],
)
def test_it_follows_strategies_in_the_order_of_the_file(told, weights):
    (one,) = book({"p": {"strategies": told}}).each().values()

    assert list(one.weights.items()) == list(weights.items())


def test_terms_may_stand_under_headings():
    (one,) = book({"p": {"costs": {"fee_bps": 7}}}, portfolio={"costs": {"slippage_bps": 2}}).each().values()

    assert (one.portfolio.fee_bps, one.portfolio.slippage_bps) == (7, 2)


def test_a_file_of_several_is_written_and_read_back():
    config = book({"careful": {"cap": 0.1, "rebalance": "month"}, "bold": {"strategies": ["hold"]}})

    assert decode(parse(to_yaml(config))) == config
    assert decode(as_dict(config)) == config


@pytest.mark.parametrize(
    ("portfolios", "more", "told"),
    [
        ({"p": {"capp": 1}}, {}, r"\$.portfolios.p has no key 'capp'; did you mean cap"),
        ({"p": {"cap": -1}}, {}, r"\$.portfolios.p.cap: "),
        ({"p": 5}, {}, r"\$.portfolios.p should be keys and values, it is 5"),
        ({"P": {}}, {}, r"\$.portfolios: 'P' "),
        ({"p" * 31: {}}, {}, r"its id, book-p+, is longer than 32 letters"),
        (
            {"p": {"strategies": ["crass"]}},
            {},
            r"p.strategies: there is no 'crass'; did you mean cross",
        ),
        (
            {"p": {"strategies": {"cross": 0}}},
            {},
            r"p.strategies: a weight above zero is needed",
        ),
        ({"p": {"fee_bps": 1e-20}}, {}, r"\$.portfolios.p.fee_bps: 1e-20 is too small"),
        ({"p": {"costs": {"cap": 1}}}, {}, r"\$.portfolios.p.costs.cap: cap stands under"),
        ({"p": {}}, {"sweep": {"cross.fast": [2, 3]}}, r"\$.portfolios: a sweep is of one portfolio"),
        (
            {"p": {"start": "1990-01-01"}},
            {"data": {"start": "2000-01-01"}},
            r"\$.portfolios.p.start: 1990-01-01 is outside",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(portfolios, more, told):
    with pytest.raises(ConfigError, match=told):
        book(portfolios, **more)


def test_what_is_wrong_with_the_common_terms_is_told_once():
    with pytest.raises(ConfigError) as wrong:
        book({"p": {}, "q": {}}, portfolio={"fee_bps": -1})

    assert str(wrong.value).count("fee_bps") == 1
    assert "portfolios" not in str(wrong.value)


def test_a_run_is_of_one_of_them_and_says_which_there_are(tmp_path):
    path = tmp_path / "book.yaml"
    path.write_text(to_yaml(book({"careful": {"cap": 0.1}, "bold": {}})))

    with pytest.raises(ConfigError, match=r"of one portfolio, and book has careful, bold"):
        run(path)
    with pytest.raises(ConfigError, match=r"of one portfolio, and book has careful, bold"):
        sweep(read(path))
