"""Flotilla: research thousands of portfolios in seconds, then trade the chosen ones.

What you need has three doors, one for each thing that you do:

    flotilla.stage       the words that strategies are written in
    flotilla.research    run, sweep, why, reports
    flotilla.testing     checks for what you have written

What may go wrong is here, and nothing more: every command imports this package, and must answer at once.
"""

from flotilla.errors import (
    ConfigError,
    DataError,
    FlotillaError,
    GatewayDown,
    GatewayError,
    InvalidTransition,
    OrderRejected,
    OutOfOrderError,
    ProcessError,
    SequenceGap,
    StageError,
    StreamError,
    StreamTimeout,
    UnknownName,
)

__version__ = "0.1.0"  # the one place: pyproject.toml reads it here

__all__ = [
    "ConfigError",
    "DataError",
    "FlotillaError",
    "GatewayDown",
    "GatewayError",
    "InvalidTransition",
    "OrderRejected",
    "OutOfOrderError",
    "ProcessError",
    "SequenceGap",
    "StageError",
    "StreamError",
    "StreamTimeout",
    "UnknownName",
    "__version__",
]
