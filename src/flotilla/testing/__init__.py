"""Checks for those who write plugins: one line in a test, and every promise of the interface is tried.

from flotilla.testing import check_strategy

def test_breakout():
    check_strategy("my_file:Breakout", n=20)
"""

from flotilla.testing.market import made_market
from flotilla.testing.strategy import check_strategy

__all__ = ["check_strategy", "made_market"]
