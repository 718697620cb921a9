"""Research: one portfolio in full, thousands at once, and why each order exists."""

from flotilla.research.chain import Why
from flotilla.research.configure import configure, panel_from
from flotilla.research.presentation import report_data
from flotilla.research.report import write_report
from flotilla.research.run import RunResult, benchmark_of, run
from flotilla.research.sweep import SweepResult, sweep
from flotilla.research.why import why, why_of
from flotilla.research.wording import lines

__all__ = [
    "RunResult",
    "SweepResult",
    "Why",
    "benchmark_of",
    "configure",
    "lines",
    "panel_from",
    "report_data",
    "run",
    "sweep",
    "why",
    "why_of",
    "write_report",
]
