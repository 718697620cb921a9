"""What each measure means, how it is computed, and who said so first.

E is equity at the close of a bar, r = E / (E of the bar before) - 1 the bar's return, N the bars in a year,
n the number of returns. A report prints these beside the numbers: a figure without its formula is a rumour.
"""

from __future__ import annotations

from typing import NamedTuple

from flotilla.research.report.numbers import Unit


class Measure(NamedTuple):
    """One measure of a portfolio."""

    title: str
    unit: Unit
    words: str
    formula: str
    source: str


DEFINITIONS: dict[str, Measure] = {
    "final_equity": Measure(
        "Final equity",
        "money",
        "What the portfolio is worth at the last close: cash and holdings. Nothing is sold.",
        "E[last]",
        "",
    ),
    "total_return": Measure(
        "Total return",
        "percent",
        "Growth over the whole period, after fees and slippage.",
        "E[last] / starting cash − 1",
        "",
    ),
    "cagr": Measure(
        "Growth a year",
        "percent",
        "The constant yearly growth that leads from the first equity to the last (CAGR).",
        "(E[last] / starting cash) ^ (1 / years) − 1, years = bars / N",
        "",
    ),
    "volatility": Measure(
        "Volatility",
        "percent",
        "How much the bars' returns scatter, scaled to a year. Counts rises and falls alike.",
        "stdev(r) · √N",
        "Markowitz, H. (1952). Portfolio Selection. Journal of Finance 7(1), 77–91",
    ),
    "sharpe": Measure(
        "Sharpe ratio",
        "ratio",
        "Mean return per unit of volatility, scaled to a year, over a risk-free rate of zero.",
        "mean(r) / stdev(r) · √N",
        "Sharpe, W. F. (1994). The Sharpe Ratio. Journal of Portfolio Management 21(1), 49–58",
    ),
    "max_drawdown": Measure(
        "Largest drawdown",
        "percent",
        "The deepest fall from a peak at closing prices, as a fraction of that peak.",
        "max over t of 1 − E[t] / max(E[0..t])",
        "Magdon-Ismail, M. and Atiya, A. (2004). Maximum Drawdown. Risk 17(10), 99–102",
    ),
    "calmar": Measure(
        "Calmar ratio",
        "ratio",
        "Growth a year over the largest drawdown, here of the whole period (Young used 36 months).",
        "growth a year / largest drawdown",
        "Young, T. W. (1991). Calmar Ratio: A Smoother Tool. Futures, October 1991",
    ),
    "orders": Measure(
        "Fills",
        "count",
        "Orders that were executed. An order for nothing is not counted.",
        "count",
        "",
    ),
    "turnover": Measure(
        "Turnover a year",
        "times",
        "Value bought and sold in a year, as a multiple of equity. Selling all and buying anew is 2.",
        "sum of |quantity · price| / mean(E) / years",
        "",
    ),
    "fees": Measure("Fees paid", "money", "All fees, taken from cash at each fill.", "sum of fees", ""),
    "exposure": Measure(
        "Mean exposure",
        "percent",
        "The invested fraction of equity at the close, averaged over all bars.",
        "mean of (E − cash) / E",
        "",
    ),
}

# What a sweep needs before its best may be believed. None of the three is computed yet.
SKILL_OR_LUCK = (
    (
        "Deflated Sharpe ratio",
        "How likely is it that the true Sharpe ratio is above zero, given how many were tried, and how long, "
        "skewed and fat-tailed the record is?",
        "Bailey, D. H. and López de Prado, M. (2014). The Deflated Sharpe Ratio. Journal of Portfolio "
        "Management 40(5), 94–107",
    ),
    (
        "Probability of backtest overfitting (PBO)",
        "How often does the best on one half of the data fall below the median on the other half?",
        "Bailey, D. H., Borwein, J., López de Prado, M. and Zhu, Q. J. (2017). The Probability of Backtest "
        "Overfitting. Journal of Computational Finance 20(4), 39–69",
    ),
    (
        "Superior predictive ability (SPA)",
        "Could the best have beaten the benchmark by this much if none of them truly did?",
        "Hansen, P. R. (2005). A Test for Superior Predictive Ability. Journal of Business & Economic "
        "Statistics 23(4), 365–380",
    ),
)
