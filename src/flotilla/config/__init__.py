"""What is run, as a file says it: read, checked, and handed on as typed values."""

from flotilla.config.plugged import check_keywords, check_plugins, parameters_of
from flotilla.config.reading import as_dict, at, decode, read, to_yaml
from flotilla.config.study import DataConfig, NamedPortfolio, RunConfig, Scalar, Steps, StrategyConfig

__all__ = [
    "DataConfig",
    "NamedPortfolio",
    "RunConfig",
    "Scalar",
    "Steps",
    "StrategyConfig",
    "as_dict",
    "at",
    "check_keywords",
    "check_plugins",
    "decode",
    "parameters_of",
    "read",
    "to_yaml",
]
