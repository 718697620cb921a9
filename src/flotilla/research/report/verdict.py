"""What happened, in plain words. A reader who stops here has not been misled."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from flotilla.research.periods import drawdown
from flotilla.research.report.data import HOLD, ReportData, SweepData
from flotilla.research.report.numbers import compact, in_years, percent, shown
from flotilla.research.report.surface import Spread, in_order

CLOSE = 0.002  # a year: returns that differ by less are called about the same


def verdict(data: ReportData) -> str:
    """Return two or three sentences: what became of the money, beside holding, and how far it fell."""
    own = _Story(data.ts, data.equity, data.measures)
    words = f"{compact(own.first)} became {compact(own.last)} {_over(own.years)}{_a_year(own)}. "
    if data.benchmark is None:
        return words + f"On the way it fell {percent(own.fall, 0)} below its peak at worst."
    held = _Story(data.ts, data.benchmark, data.benchmark_measures)
    name = data.benchmark_name
    words += f"{name} would have made it {compact(held.last)}{_a_year(held)}. "
    words += f"At worst the portfolio fell {percent(own.fall, 0)} below its peak, "
    words += f"{sentence(name)} {percent(held.fall, 0)}. "
    return words + _weighed(own, held, sentence(name))


class _Story:
    """First and last equity, growth a year and the deepest fall of one curve."""

    def __init__(
        self, ts: NDArray[np.int64], equity: NDArray[np.float64], measures: Mapping[str, float]
    ) -> None:
        valued = np.isfinite(equity)
        self.first, self.last = (float(v) for v in equity[valued][[0, -1]])
        self.years = in_years(int(ts[-1] - ts[0]))
        self.fall = float(np.nanmax(drawdown(equity)))
        grows = self.years > 0.0 and self.first > 0.0 and self.last > 0.0
        growth = (self.last / self.first) ** (1.0 / self.years) - 1.0 if grows else float("nan")
        self.growth = measures.get("cagr", growth)  # one page says one growth a year


def _weighed(own: _Story, held: _Story, name: str) -> str:
    """Return which was better at what; the better return first."""
    calmer = own.fall < held.fall
    more = own.growth - held.growth
    if not np.isfinite(more):
        more = own.last / own.first - held.last / held.first
    if abs(more) < CLOSE:
        return f"So: about what {name} earned, with {'smaller' if calmer else 'no smaller'} falls."
    if more > 0:
        return f"So: more than {name} earned, with {'smaller' if calmer else 'no smaller'} falls."
    if calmer:
        return f"So: less than {name} earned, and smaller falls on the way."
    return f"So: less than {name} earned, with no smaller falls. Holding was better in both."


def _over(years: float) -> str:
    if years >= 1.5:
        return f"in {years:.0f} years" if years >= 10 else f"in {years:.1f} years"
    if not years:
        return "in one bar"
    days = years * 365.25
    return f"in {days:.0f} days" if days >= 1.5 else f"in {days * 24:.1f} hours"


def _a_year(story: _Story) -> str:
    # A few days of return raised to a year's power is a large number that means nothing.
    if story.years < 1.0 or not np.isfinite(story.growth):
        return f" ({percent(story.last / story.first - 1.0, signed=True)})" if story.first > 0 else ""
    return f" ({percent(story.growth, signed=True)} a year)"


def sentence(name: str) -> str:
    """Return the name of a benchmark within a sentence; of an instrument it stays as it is."""
    return name.lower() if name == HOLD else name


def luck(spread: Spread | None) -> str:
    """Return the warning that stands by the verdict."""
    if spread is None:
        return "The best of many is luck until shown otherwise."
    return f"The best of {spread.tried:,} is luck until shown otherwise."


def chosen(data: ReportData, spread: Spread | None) -> str:
    """Return how this portfolio was chosen, which is why the warning stands."""
    if spread is None or data.sweep is None:
        return (
            "One portfolio was run here. If others were tried before it, it is the best of those, and this "
            "report cannot know how many they were."
        )
    title, rank = data.measure(data.sweep.rank_by).title, data.sweep.rank_of(data.parameters)
    if rank is None:
        said = f"{spread.tried:,} portfolios were tried"
    elif rank == 1:
        said = f"This portfolio was chosen because its {title} was the best of {spread.tried:,}"
    else:
        said = f"This portfolio is number {rank:,} of {spread.tried:,} by its {title}"
    return f"{said}, on the very data that it is shown on. No data were kept back to test it."


def sweep_words(data: ReportData, sweep: SweepData, spread: Spread) -> list[str]:
    """Return what the whole sweep says about its best: the crowd, the neighbours, the benchmark."""
    measure = data.measure(sweep.rank_by)
    words = [
        f"{measure.title}: best {shown(spread.best, measure.unit)}, median "
        f"{shown(spread.median, measure.unit)}, worst {shown(spread.worst, measure.unit)}, of "
        f"{spread.valued:,} portfolios."
    ]
    if spread.valued < spread.tried:
        words.append(f"{spread.tried - spread.valued:,} more have no value of it.")
    if np.isfinite(spread.near):
        words.append(
            "The neighbours of the best, up to two steps away, have a median of "
            f"{shown(spread.near, measure.unit)}. A lonely peak is more likely luck than a plateau is."
        )
    return words + _beaten(data, sweep, spread)


def _beaten(data: ReportData, sweep: SweepData, spread: Spread) -> list[str]:
    """Return how many beat holding: each on its own terms, from its own first day, where those are swept."""
    measure, own = data.measure(sweep.rank_by), data.benchmark_name == HOLD
    name = "buying and holding" if own and sweep.held is not None else sentence(data.benchmark_name)
    if sweep.held is None:
        held = data.benchmark_measures.get(sweep.rank_by, float("nan"))
        against, span = np.full(sweep.table.height, held), f"({shown(held, measure.unit)})"
    else:
        against, there = sweep.held, sweep.held[np.isfinite(sweep.held)]
        low, high = (there.min(), there.max()) if len(there) else (float("nan"), float("nan"))
        terms = "on their own terms and " if own else ""
        span = f"{terms}from their own first day ({shown(low, measure.unit)}"
        span += f" to {shown(high, measure.unit)})" if low != high else ")"
    if not np.isfinite(against).any():
        return []
    values = in_order(sweep)
    beat = int(np.sum(values > against) if spread.higher else np.sum(values < against))
    return [f"{beat:,} of them beat {name} {span}."]
