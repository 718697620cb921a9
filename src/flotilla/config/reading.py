"""A run's configuration: one YAML file, decoded at the door into frozen typed values.

1. Read the text, and decode each part into its struct, collecting every mistake with its path
   (`flotilla.door`).
2. Check what the parts say of one another: dates, weights, the keys of a sweep (config/checks.py).
3. Ask the plugins whether they take their parameters (config/plugged.py).

Whoever runs is handed its own part, never the whole file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from flotilla import door
from flotilla.config.checks import inconsistent
from flotilla.config.headings import without_headings
from flotilla.config.paths import put
from flotilla.config.plugged import check_plugins, wrong_plugins
from flotilla.config.portfolios import with_common_terms
from flotilla.config.study import RunConfig, Scalar
from flotilla.door import Door, raise_if_any, wrong_values
from flotilla.errors import ConfigError
from flotilla.plugins import names
from flotilla.words import cut


def read(path: str | Path) -> RunConfig:
    """Return the configuration in a file; ConfigError tells every mistake, with its path."""
    path = Path(path)
    _check_kind(path)
    raw = door.read(path)
    config, mistakes = _decoded(raw, str(path))
    # Beside other mistakes what the plugins have to say, as far as they can be asked.
    raise_if_any([*mistakes, *wrong_plugins(raw, path.parent)] if mistakes else [], str(path))
    return check_plugins(cast(RunConfig, config), str(path), path.parent)


def _check_kind(path: Path) -> None:
    """Raise ConfigError where a path is not that of a configuration, but of a strategy or of data."""
    name, suffix = str(path), path.suffix.lower()
    if suffix == ".py" or (not path.exists() and (name in names("strategy") or ":" in name)):
        kind = f"{name}:NAME" if suffix == ".py" and ":" not in name else name
        raise ConfigError(
            f"{name} is a strategy{'' if suffix != '.py' else ' (Python)'}, and what is read is a YAML file, "
            f'which names it: strategies: {{mine: {{kind: "{kind}"}}}}; from Python: run("{kind}")'
        )
    if suffix in (".csv", ".tsv", ".parquet"):
        source = "parquet" if suffix == ".parquet" else "csv"
        raise ConfigError(
            f"{name} is data, and what is read is a YAML file, which names it: data: {{source: {source}, "
            f'params: {{path: "{name}"}}}}; flotilla data {name} shows what is in it'
        )


def decode(raw: Any, file: str = "configuration") -> RunConfig:
    """Return plain values as a RunConfig, checked but for the plugins' own parameters."""
    config, mistakes = _decoded(raw, file)
    raise_if_any(mistakes, file)
    return cast(RunConfig, config)  # without a mistake it was decoded


def _decoded(raw: Any, file: str) -> tuple[RunConfig | None, list[str]]:
    numbers, reader = wrong_values(raw, file), Door()
    raw, misplaced = without_headings(raw)
    raw, odd = _with_names(with_common_terms(raw))
    config = reader.struct(RunConfig, raw, "$")
    if config is not None:
        reader.mistakes += inconsistent(config)
    return config, [*misplaced, *reader.mistakes, *odd, *numbers]


def at(config: RunConfig, values: Mapping[str, Scalar]) -> RunConfig:
    """Return the configuration of one portfolio of the sweep. values: one for each of its keys."""
    raw = as_dict(config) | {"sweep": {}}
    for key, value in values.items():
        put(raw, key, value)
    return decode(raw)


def as_dict(config: RunConfig) -> dict[str, Any]:
    """Return a configuration as plain values, every default written out, in the struct's order."""
    try:
        raw: dict[str, Any] = msgspec.to_builtins(config)
    except TypeError as error:
        raise ConfigError(f"{config.name} holds what no file can: {error}") from error
    return raw


def to_yaml(config: RunConfig) -> str:
    """Return a configuration as a file that `read` reads back to an equal one."""
    return door.to_yaml(as_dict(config))


def _with_names(raw: Any) -> tuple[Any, list[str]]:
    """Return plain values with whole numbers among the instruments as names, and what cannot be one.

    600519 is a code of an exchange; what YAML reads as 1.5 or true is not as it was written any more.
    """
    data = raw.get("data") if isinstance(raw, dict) else None
    names = data.get("instruments") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(names, list | tuple):
        return raw, []
    whole = [str(name) if type(name) is int and name >= 0 else name for name in names]
    odd = [
        f'$.data.instruments[{n}]: YAML reads it as {cut(name)}: quote the name, as "600519"'
        for n, name in enumerate(whole)
        if not isinstance(name, str)
    ]
    return raw | {"data": data | {"instruments": [str(name) for name in whole]}}, odd
