"""A run's configuration: one YAML file, decoded at the door into frozen typed values.

1. Read the text as YAML 1.2 reads it: `NO` is a name and not a refusal, 1e-3 is a number, a
   date is text until a field asks for one; a key that comes twice is an error (`_Loader`).
2. Decode each part into its struct, and collect every mistake with its path (`_Door`).
3. Check what the parts say of one another: dates, weights, the keys of a sweep (`_check_…`).
4. Ask the plugins whether they take their parameters (`check_plugins`).

Whoever runs is handed its own part, never the whole file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast, get_args, get_origin

import msgspec
import yaml
from msgspec import Meta, Struct

from flotilla.errors import ConfigError, nearest
from flotilla.plugins import check_params, check_value, find, parameters

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML without libyaml: the same values, slower
    from yaml import SafeLoader  # type: ignore[assignment]

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
MOST_VALUES = 1_000_000  # on one axis of a sweep
MEASURES = (
    "final_equity",
    "total_return",
    "cagr",
    "volatility",
    "sharpe",
    "max_drawdown",
    "calmar",
    "orders",
    "turnover",
    "fees",
    "exposure",
)

Scalar = bool | int | float | str | None
NotNegative = Annotated[float, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
S = TypeVar("S", bound=Struct)


class DataConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the bars come from: a source, the days from `start` to `end`, both included."""

    source: str = "sample"
    start: date | None = None
    end: date | None = None
    instruments: Annotated[tuple[str, ...], Meta(min_length=1)] | None = None  # None: all there are
    params: dict[str, Any] = {}


class StrategyConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """One strategy: which plugin, with which parameters, and its weight in the mean of all."""

    kind: str
    weight: NotNegative = 1.0
    params: dict[str, Any] = {}


class PortfolioConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """How a portfolio trades. Money is in account currency, bps are of traded value."""

    cash: Positive = 1_000_000.0
    fee_bps: Annotated[float, Meta(ge=0, lt=10_000)] = 10.0
    slippage_bps: Annotated[float, Meta(ge=0, lt=10_000)] = 0.0
    lot: NotNegative = 0.0  # quantities are whole multiples of it; 0 is any fraction
    allocation: Positive | None = None  # weight of a signal of 1; None is 1 / instruments
    cap: NotNegative = 1.0  # largest |weight| of one instrument
    risk_tolerance: NotNegative = 1.0  # multiplies a risk model's scale; 0 never trades
    max_drawdown: Annotated[float, Meta(gt=0, le=1)] | None = None  # goes flat beyond it
    size_at: Literal["decision", "fill"] = "decision"
    fill_at: Literal["open", "close", "auto"] = "auto"  # auto: the open where the data have one
    rebalance: Literal["change", "bar"] = "change"
    min_trade: NotNegative = 0.0  # smaller orders are not sent
    start: date | None = None  # first day that may trade; earlier rows are warm-up
    decisions: str | None = None  # path of a table of risk decisions


class Steps(Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Numbers from `from_` by `step` up to `to`, which is one of them if a step lands on it."""

    from_: int | float
    to: int | float
    step: int | float = 1

    def values(self) -> tuple[int | float, ...]:
        """Return the numbers: ints if all three are, else floats as their decimals say."""
        first, last, step = (Decimal(str(number)) for number in (self.from_, self.to, self.step))
        if not step or (last - first) / step < 0:
            raise ValueError(f"{self.step} does not lead from {self.from_} to {self.to}")
        count = int((last - first) / step) + 1
        if count > MOST_VALUES:
            raise ValueError(f"{count} values are more than {MOST_VALUES}")
        whole = all(isinstance(number, int) for number in (self.from_, self.to, self.step))
        kind = int if whole else float
        return tuple(kind(first + k * step) for k in range(count))


class RunConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    name: str
    strategies: dict[str, StrategyConfig]
    data: DataConfig = DataConfig()
    portfolio: PortfolioConfig = PortfolioConfig()
    sweep: dict[str, Steps | tuple[Scalar, ...]] = {}
    rank_by: str = "sharpe"

    def axes(self) -> dict[str, tuple[Scalar, ...]]:
        """Return the sweep's values, key by key; the first key changes slowest."""
        return {key: axis.values() if isinstance(axis, Steps) else axis for key, axis in self.sweep.items()}


def read(path: str | Path) -> RunConfig:
    """Return the configuration in a file; ConfigError tells every mistake, with its path."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8: {error}") from error
    config = decode(parse(text, str(path)), str(path))
    check_plugins(config, str(path), path.parent)
    return config


def parse(text: str, file: str = "configuration") -> Any:
    """Return a YAML text as plain values: dict, list, str, int, float, bool, None."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe loader, made stricter
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{file}{where}: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{file}: {error}") from error


def decode(raw: Any, file: str = "configuration") -> RunConfig:
    """Return plain values as a RunConfig, checked but for the plugins' own parameters."""
    try:
        numbers = list(_wrong_numbers(raw, "$"))
    except RecursionError:
        raise ConfigError(f"{file}: a part of it holds itself") from None
    door = _Door()
    config = door.struct(RunConfig, raw, "$")
    if config is not None:
        door.mistakes += [*_wrong_names(config), *_wrong_dates(config), *_wrong_sweep(config)]
    _settle([*door.mistakes, *numbers], file)
    return cast(RunConfig, config)  # without a mistake it was decoded


def check_plugins(config: RunConfig, file: str = "configuration", folder: Path | None = None) -> None:
    """Raise ConfigError unless the source and the strategies are there and take their parameters.

    folder: where the user's own files are looked for first.
    """
    mistakes: list[str] = []
    for name, strategy in config.strategies.items():
        axes = {
            key.removeprefix(f"{name}."): values
            for key, values in config.axes().items()
            if key.startswith(f"{name}.") and key != f"{name}.weight"
        }
        where = f"$.strategies.{name}"
        mistakes += _wrong_params("strategy", strategy.kind, strategy.params, axes, where, folder)
    mistakes += _wrong_params("source", config.data.source, config.data.params, {}, "$.data", folder)
    _settle(mistakes, file)


def at(config: RunConfig, values: Mapping[str, Scalar]) -> RunConfig:
    """Return the configuration of one portfolio of the sweep. values: one for each of its keys."""
    raw = as_dict(config) | {"sweep": {}}
    for key, value in values.items():
        owner, _, name = key.partition(".")
        if owner == "portfolio":
            raw["portfolio"][name] = value
        elif name == "weight":
            raw["strategies"][owner]["weight"] = value
        else:
            raw["strategies"][owner]["params"][name] = value
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
    return yaml.dump(as_dict(config), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Door:
    """Decodes plain values into structs, collecting the mistakes with their paths."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def struct(self, kind: type[S], raw: Any, where: str) -> S | None:
        """Return `raw` as a struct, or None if there is a mistake in it."""
        before = len(self.mistakes)
        if not isinstance(raw, dict):
            self.mistakes.append(f"{where} should be keys and values, it is {raw!r}")
            return None
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        self.mistakes += [
            f"{where} has no key {key!r}{nearest(str(key), fields)}" for key in raw if key not in fields
        ]
        self.mistakes += [
            f"{where} needs the key {name!r}"
            for name, field in fields.items()
            if field.required and name not in raw
        ]
        values = {
            field.name: self.value(field.type, raw[name], f"{where}.{name}")
            for name, field in fields.items()
            if name in raw
        }
        return kind(**values) if len(self.mistakes) == before else None

    def value(self, kind: Any, raw: Any, where: str) -> Any:
        """Return `raw` as a `kind`."""
        structs = [
            part for part in (kind, *get_args(kind)) if isinstance(part, type) and issubclass(part, Struct)
        ]
        if structs and get_origin(kind) is not dict and (kind in structs or isinstance(raw, dict)):
            return self.struct(structs[0], raw, where)
        if get_origin(kind) is dict and get_args(kind)[1] is not Any and isinstance(raw, dict):
            return {
                self.value(str, key, where): self.value(get_args(kind)[1], part, f"{where}.{key}")
                for key, part in raw.items()
            }
        try:
            return msgspec.convert(raw, kind)
        except msgspec.ValidationError as error:
            self.mistakes.append(_with_path(error, where, raw))
            return None


def _with_path(error: msgspec.ValidationError, where: str, raw: Any) -> str:
    """Return "$.portfolio.fee_bps: what is wrong"; msgspec counts its path from where it began."""
    what, _, path = str(error).partition(" - at `$")
    return f"{where}{path.rstrip('`')}: {what[:1].lower()}{what[1:]}, it is {raw!r}"


def _settle(mistakes: list[str], file: str) -> None:
    if mistakes:
        raise ConfigError(
            "\n  ".join([f"{file}:", *mistakes]) if len(mistakes) > 1 else f"{file}: {mistakes[0]}"
        )


def _wrong_numbers(raw: Any, where: str) -> Iterator[str]:
    if isinstance(raw, float) and not isfinite(raw):
        yield f"{where} is {raw}, not a finite number"
    parts = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list | tuple) else ()
    for key, part in parts:
        yield from _wrong_numbers(part, f"{where}.{key}" if isinstance(raw, dict) else f"{where}[{key}]")


def _wrong_names(config: RunConfig) -> Iterator[str]:
    form = "should be a letter, then up to 31 of a-z 0-9 _ -"
    if not NAME.fullmatch(config.name):
        yield f"$.name: {config.name!r} {form}"
    if not config.strategies:
        yield "$.strategies: there is none"
    for name in config.strategies:
        if not NAME.fullmatch(name) or name == "portfolio":
            yield f"$.strategies: {name!r} {form}, and not 'portfolio'"
    if config.rank_by not in MEASURES:
        yield f"$.rank_by: no measure is called {config.rank_by!r}{nearest(config.rank_by, MEASURES)}"


def _wrong_dates(config: RunConfig) -> Iterator[str]:
    first, last, trades = config.data.start, config.data.end, config.portfolio.start
    if first and last and first >= last:
        yield f"$.data.end: {last} is not after the start, {first}"
    if trades and ((first and trades < first) or (last and trades > last)):
        yield f"$.portfolio.start: {trades} is outside {first or '...'} to {last or '...'}"


def _wrong_sweep(config: RunConfig) -> Iterator[str]:
    fields = {field.name: field.type for field in msgspec.structs.fields(PortfolioConfig)}
    weights = {name: [strategy.weight] for name, strategy in config.strategies.items()}
    for key, axis in config.sweep.items():
        where, (owner, _, name) = f"$.sweep.{key}", key.partition(".")
        try:
            values = axis.values() if isinstance(axis, Steps) else axis
        except ValueError as error:
            yield f"{where}: {error}"
            continue
        if not values or len({(type(value) is bool, value) for value in values}) < len(values):
            yield f"{where} should have at least one value, each once"
        if owner != "portfolio" and owner not in config.strategies:
            yield f"{where}: nothing is called {owner!r}{nearest(owner, ['portfolio', *config.strategies])}"
        elif owner == "portfolio" and name not in fields:
            yield f"{where}: a portfolio has no {name!r}{nearest(name, fields)}"
        elif owner == "portfolio" or name == "weight":
            kind = fields[name] if owner == "portfolio" else NotNegative
            door = _Door()
            read = [door.value(kind, value, where) for value in values]
            yield from door.mistakes
            if name == "weight" and not door.mistakes:
                weights[owner] = read
    if weights and all(0 in choices for choices in weights.values()):
        yield "$.strategies: a weight above zero is needed, for every portfolio"


def _wrong_params(
    kind: str,
    name: str,
    params: Mapping[str, Any],
    axes: Mapping[str, Sequence[Scalar]],
    where: str,
    folder: Path | None,
) -> list[str]:
    try:
        target = find(kind, name, folder)
        # A parameter that is only swept is given all the same: its first value stands for all here.
        check_params(target, {key: values[0] for key, values in axes.items()} | dict(params), name)
        there = parameters(target)
        for key, values in axes.items():
            for value in values if key in there else ():
                check_value(there[key], value, name)
    except ConfigError as error:
        return [f"{where}: {error}"]
    return []


class _Loader(SafeLoader):
    """YAML 1.2's plain values, and no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping's values; refuse a key that is there already."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f"the key {key.value!r} comes twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Quotes what YAML 1.1 or 1.2 would read as something else than text."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Write equal values out each time: a file with `*id001` in it is not for people."""
        return True


_CORE = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    # Not 007: what begins with a zero and is not 0 is a ticker, or a mistake.
    "int": (r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+0123456789."),
    ),
    "merge": (r"<<", ["<"]),
}
_Loader.yaml_implicit_resolvers = {}
for _tag, (_pattern, _first) in _CORE.items():
    for _kind in (_Loader, _Dumper):
        _kind.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)
