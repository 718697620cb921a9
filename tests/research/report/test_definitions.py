from flotilla.research.report.definitions import DEFINITIONS, SKILL_OR_LUCK

MEASURED = [
    "final_equity", "total_return", "cagr", "volatility", "sharpe", "max_drawdown", "calmar", "orders",
    "turnover", "fees", "exposure",
]  # fmt: skip


def test_every_measure_of_a_portfolio_is_defined():
    assert list(DEFINITIONS) == MEASURED


def test_a_definition_has_a_title_words_and_a_formula():
    assert all(m.title and m.words.endswith(".") and m.formula for m in DEFINITIONS.values())


def test_the_tests_that_are_to_come_say_what_they_ask_and_who_asked_first():
    assert [name.split(" (")[0] for name, _, _ in SKILL_OR_LUCK] == [
        "Deflated Sharpe ratio",
        "Probability of backtest overfitting",
        "Superior predictive ability",
    ]
    assert all(question.endswith("?") and source for _, question, source in SKILL_OR_LUCK)
