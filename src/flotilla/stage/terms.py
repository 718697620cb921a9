"""What a portfolio was told, from the units that people write (bps, dates) to those of the kernel."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from flotilla.kernel.portfolio import Floats, Terms

BPS = 1e-4


def terms_of(values: Mapping[str, Any], instruments: int, portfolios: int) -> Terms:
    """Return the terms of P portfolios. values: the portfolio's parameters, each one value or P of them.

    An allocation of None is an equal part for each instrument; a drawdown limit of None is none.
    """

    def column(name: str, missing: float = np.nan, unit: float = 1.0) -> Floats:
        given = np.ravel(values[name]).tolist()
        numbers = np.array([missing if value is None else value for value in given], np.float64) * unit
        return np.ascontiguousarray(np.broadcast_to(numbers, portfolios))

    return Terms(
        start=column("cash"),
        allocation=column("allocation", 1.0 / instruments),
        cap=column("cap"),
        tolerance=column("risk_tolerance"),
        drawdown_limit=column("max_drawdown", np.inf),
        fee=column("fee_bps", unit=BPS),
        slippage=column("slippage_bps", unit=BPS),
        lot=column("lot"),
        min_trade=column("min_trade"),
    )
