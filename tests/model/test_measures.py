from flotilla.config import decode
from flotilla.model.measures import MEASURES, RANKED, SKILL_OR_LUCK


def test_what_every_portfolio_of_a_sweep_has_may_rank_it():
    for name in RANKED:
        assert (
            decode({"name": "a", "strategies": {"s": {"kind": "ma_cross"}}, "rank_by": name}).rank_by == name
        )


def test_what_only_one_portfolio_in_full_has_ranks_no_sweep():
    assert not {"sortino", "beta", "win_rate"} & set(RANKED)
    assert {m.group for m in MEASURES.values()} == {"portfolio", "returns", "relative", "trips"}


def test_a_definition_has_a_title_words_and_a_formula():
    assert all(m.title and m.words.endswith(".") and m.formula for m in MEASURES.values())
    assert len({m.title for m in MEASURES.values()}) == len(MEASURES)


def test_the_tests_that_are_to_come_say_what_they_ask_and_who_asked_first():
    assert [name.split(" (")[0] for name, _, _ in SKILL_OR_LUCK] == [
        "Deflated Sharpe ratio",
        "Probability of backtest overfitting",
        "Superior predictive ability",
    ]
    assert all(question.endswith("?") and source for _, question, source in SKILL_OR_LUCK)
