"""Research: one portfolio in full, thousands at once, and why each order exists."""

from flotilla.research.run import RunResult, run
from flotilla.research.sweep import SweepResult, sweep

__all__ = ["RunResult", "SweepResult", "run", "sweep"]
