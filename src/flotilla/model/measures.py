"""Every measure of a portfolio, declared once: what it is called, what it means, how it is computed.

What may rank a sweep, the columns of its table, the rows of `flotilla run`, the cards and definitions of a
report and the manual's tables are all made of this. A figure without its formula is a rumour.

E is equity at the close of a bar, r = E / (E of the bar before) - 1 the bar's return, N the bars in a year
(research/annual.py), B and b the benchmark's equity and return.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Unit = Literal["money", "percent", "ratio", "count", "times", "days"]
MeasureGroup = Literal["portfolio", "returns", "relative", "trips"]


class Measure(NamedTuple):
    """One measure of a portfolio."""

    title: str
    unit: Unit
    words: str
    formula: str
    source: str = ""
    lower: bool = False  # less of it is better, where it ranks
    group: MeasureGroup = (
        "portfolio"  # "portfolio": every portfolio of a sweep has it; the others one in full
    )


MEASURES: dict[str, Measure] = {
    "final_equity": Measure(
        "Final equity",
        "money",
        "What the portfolio is worth at the last close: cash and holdings. Nothing is sold.",
        "E[last]",
    ),
    "total_return": Measure(
        "Total return",
        "percent",
        "Growth over the whole period, after fees and slippage.",
        "E[last] / starting cash − 1",
    ),
    "cagr": Measure(
        "Growth a year",
        "percent",
        "The constant yearly growth that leads from the first equity to the last (CAGR).",
        "(E[last] / starting cash) ^ (1 / years) − 1, years = days from the first bar to the last / 365.25",
    ),
    "volatility": Measure(
        "Volatility",
        "percent",
        "How much the bars' returns scatter, scaled to a year. Counts rises and falls alike.",
        "stdev(r) · √N",
        "Markowitz, H. (1952). Portfolio Selection. Journal of Finance 7(1), 77–91",
        lower=True,
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
        lower=True,
    ),
    "calmar": Measure(
        "Calmar ratio",
        "ratio",
        "Growth a year over the largest drawdown, here of the whole period (Young used 36 months).",
        "growth a year / largest drawdown",
        "Young, T. W. (1991). Calmar Ratio: A Smoother Tool. Futures, October 1991",
    ),
    "orders": Measure(
        "Fills", "count", "Orders that were executed. An order for nothing is not counted.", "count"
    ),
    "turnover": Measure(
        "Turnover a year",
        "times",
        "Value bought and sold in a year, as a multiple of equity. Selling all and buying anew is 2.",
        "sum of |quantity · price| / mean(E) / years",
        lower=True,
    ),
    "fees": Measure(
        "Fees paid", "money", "All fees, taken from cash at each fill.", "sum of fees", lower=True
    ),
    "exposure": Measure(
        "Mean exposure",
        "percent",
        "The invested fraction of equity at the close, averaged over all bars.",
        "mean of (E − cash) / E",
    ),
    "sortino": Measure(
        "Sortino ratio",
        "ratio",
        "Mean return per unit of downside, scaled to a year: only falls count as risk.",
        "mean(r) / √mean(min(r, 0)²) · √N",
        "Sortino, F. A. and Price, L. N. (1994). Performance Measurement in a Downside Risk Framework. "
        "Journal of Investing 3(3), 59–64",
        group="returns",
    ),
    "var_95": Measure(
        "Value at risk",
        "percent",
        "One bar in twenty lost at least this much of equity (historical, 95%). A loss is a positive number.",
        "−(5th percentile of r, between the two nearest)",
        "Jorion, P. (2006). Value at Risk, 3rd edition. McGraw-Hill",
        group="returns",
    ),
    "cvar_95": Measure(
        "Expected shortfall",
        "percent",
        "The mean loss of the bars that lost at least the value at risk (CVaR, historical, 95%).",
        "−mean(r where r ≤ −value at risk)",
        "Rockafellar, R. T. and Uryasev, S. (2000). Optimization of Conditional Value-at-Risk. Journal of "
        "Risk 2(3), 21–41",
        group="returns",
    ),
    "skew": Measure(
        "Skew",
        "ratio",
        "Below zero the large moves are falls, above zero they are rises.",
        "n / ((n − 1)(n − 2)) · sum of ((r − mean(r)) / stdev(r))³",
        "Joanes, D. N. and Gill, C. A. (1998). Comparing Measures of Sample Skewness and Kurtosis. The "
        "Statistician 47(1), 183–189",
        group="returns",
    ),
    "kurtosis": Measure(
        "Excess kurtosis",
        "ratio",
        "Above zero large moves are more frequent than in a normal distribution, which has 0.",
        "n(n + 1) / ((n − 1)(n − 2)(n − 3)) · sum of ((r − mean(r)) / stdev(r))⁴ − 3(n − 1)² / ((n − 2)(n − "
        "3))",
        "Joanes, D. N. and Gill, C. A. (1998). Comparing Measures of Sample Skewness and Kurtosis. The "
        "Statistician 47(1), 183–189",
        group="returns",
    ),
    "best_day": Measure(
        "Best day",
        "percent",
        "The highest return of a day.",
        "max over days of E[day] / E[day before] − 1",
        group="returns",
    ),
    "worst_day": Measure(
        "Worst day",
        "percent",
        "The lowest return of a day.",
        "min over days of E[day] / E[day before] − 1",
        group="returns",
    ),
    "best_month": Measure(
        "Best month",
        "percent",
        "The highest return of a calendar month.",
        "max over months of E[month] / E[month before] − 1",
        group="returns",
    ),
    "worst_month": Measure(
        "Worst month",
        "percent",
        "The lowest return of a calendar month.",
        "min over months of E[month] / E[month before] − 1",
        group="returns",
    ),
    "gaining_bars": Measure(
        "Bars with a gain",
        "percent",
        "The fraction of the bars with a return that gained.",
        "count(r > 0) / count(r ≠ 0)",
        group="returns",
    ),
    "beta": Measure(
        "Beta",
        "ratio",
        "How much the portfolio moves when the benchmark moves by 1.",
        "cov(r, b) / var(b)",
        "Sharpe, W. F. (1964). Capital Asset Prices. Journal of Finance 19(3), 425–442",
        group="relative",
    ),
    "alpha": Measure(
        "Alpha a year",
        "percent",
        "The mean return, scaled to a year, that the benchmark does not explain, over a rate of zero.",
        "(mean(r) − beta · mean(b)) · N",
        "Jensen, M. C. (1968). The Performance of Mutual Funds in the Period 1945–1964. Journal of Finance "
        "23(2), 389–416",
        group="relative",
    ),
    "correlation": Measure(
        "Correlation",
        "ratio",
        "How closely the returns go with the benchmark's, from −1 to 1.",
        "cov(r, b) / (stdev(r) · stdev(b))",
        group="relative",
    ),
    "tracking_error": Measure(
        "Tracking error",
        "percent",
        "How much the returns scatter around the benchmark's, scaled to a year.",
        "stdev(r − b) · √N",
        "Grinold, R. C. and Kahn, R. N. (1999). Active Portfolio Management, 2nd edition. McGraw-Hill",
        group="relative",
    ),
    "information_ratio": Measure(
        "Information ratio",
        "ratio",
        "Mean return over the benchmark's per unit of tracking error, scaled to a year.",
        "mean(r − b) / stdev(r − b) · √N",
        "Goodwin, T. H. (1998). The Information Ratio. Financial Analysts Journal 54(4), 34–43",
        group="relative",
    ),
    "up_capture": Measure(
        "Up capture",
        "percent",
        "The mean return on the bars on which the benchmark rose, over its own.",
        "mean(r where b > 0) / mean(b where b > 0)",
        group="relative",
    ),
    "down_capture": Measure(
        "Down capture",
        "percent",
        "The mean return on the bars on which the benchmark fell, over its own.",
        "mean(r where b < 0) / mean(b where b < 0)",
        group="relative",
    ),
    "trips": Measure(
        "Round trips",
        "count",
        "Pieces that were bought and sold again, the first bought first: a sale of two purchases is two.",
        "count of closed trips",
        group="trips",
    ),
    "win_rate": Measure(
        "Round trips with a profit",
        "percent",
        "The fraction of the round trips that earned something after fees.",
        "count(profit > 0) / count",
        group="trips",
    ),
    "profit_factor": Measure(
        "Profit factor",
        "ratio",
        "What the round trips with a profit earned, over what the others lost.",
        "sum of profits / |sum of losses|",
        group="trips",
    ),
    "mean_trip": Measure(
        "Mean round trip",
        "percent",
        "The mean profit of a round trip, after fees, as a fraction of its purchase.",
        "mean of profit / (quantity · entry price)",
        group="trips",
    ),
    "best_trip": Measure(
        "Best round trip",
        "percent",
        "The highest profit of a round trip, after fees, as a fraction of its purchase.",
        "max of profit / (quantity · entry price)",
        group="trips",
    ),
    "worst_trip": Measure(
        "Worst round trip",
        "percent",
        "The lowest profit of a round trip, after fees, as a fraction of its purchase.",
        "min of profit / (quantity · entry price)",
        group="trips",
    ),
    "holding": Measure(
        "Mean holding",
        "days",
        "How long a round trip lasts on average, in calendar days.",
        "mean of exit time − entry time",
        group="trips",
    ),
}

RANKED = tuple(name for name, measure in MEASURES.items() if measure.group == "portfolio")

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
