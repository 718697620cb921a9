"""The door that configuration comes in by: strict YAML, decoded into frozen typed values.

1. `read` and `parse` read a text as YAML 1.2 reads it: `NO` is a name and not a refusal, 1e-3
   is a number, a date is text until a field asks for one; a key that comes twice is an error, and so are
   aliases that stand for more than a person could mean: every look at the values would take for ever.
2. `Door` decodes plain values into structs, and collects every mistake with its path.
3. `raise_if_any` tells all of them at once, as one ConfigError.
4. `to_yaml` writes a file that is read back to equal values.

What the parts say of one another is for whoever owns the structs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec
import yaml
from msgspec import Struct

from flotilla.errors import ConfigError, nearest
from flotilla.words import cut

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML without libyaml: the same values, slower
    from yaml import SafeLoader  # type: ignore[assignment]

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")  # of whatever a file names
NAME_FORM = "should be a letter, then up to 31 of a-z 0-9 _ -"

S = TypeVar("S", bound=Struct)
_MOST_BYTES = 16 << 20  # of a file
_SHALLOW = 8_192  # letters of a text that cannot be too deep
_DEEPEST = 256
_MOST_DIGITS = 40  # of a whole number
_MOST_ALIASED = 100_000  # values that aliases stand for, beyond those that are written out


def read(path: Path) -> Any:
    """Return a file's plain values; ConfigError if it cannot be read, or is no strict YAML."""
    try:
        with path.open("rb") as file:  # a part of it at most: it may be a device, or the data themselves
            text = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # a name with a NUL in it is a ValueError
        why = f"{path} cannot be read: {getattr(error, 'strerror', error)}"
        raise ConfigError(f"{why}{_near(path) if isinstance(error, FileNotFoundError) else ''}") from error
    if len(text) > _MOST_BYTES:
        raise ConfigError(f"{path} is no configuration: it has more than {_MOST_BYTES >> 20} MB")
    try:
        return parse(text.decode(), str(path))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8: {error}") from error


def _near(path: Path) -> str:
    """Return the end of a message: the YAML files there are beside one that is not there."""
    try:
        there = [each.name for each in path.parent.iterdir() if each.suffix in (".yaml", ".yml")]
    except OSError as error:
        return f"; so is its folder: {path.parent}: {error.strerror}"
    return nearest(path.name, there) if there else f"; there is no YAML file in {path.parent.resolve()}"


def parse(text: str, file: str = "configuration") -> Any:
    """Return a YAML text as plain values: dict, list, str, int, float, bool, None."""
    try:
        if len(text) > _SHALLOW:
            _check_depth(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe loader, made stricter
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{file}{where}: {error.problem}") from error
    except RecursionError:
        raise ConfigError(f"{file}: parts are in parts too deep") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: {error}") from error


def _check_depth(text: str) -> None:
    """Raise RecursionError at parts so deep that libyaml, which follows them in C, would end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise RecursionError


def to_yaml(raw: Any) -> str:
    """Return plain values as a text that `parse` reads back to equal ones."""
    return yaml.dump(raw, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def wrong_values(raw: Any, file: str = "configuration") -> list[str]:
    """Return where plain values hold a number that is not finite, or a text with a NUL, which no path has.

    ConfigError if a part holds itself, or is deeper than a person writes.
    """
    try:
        return list(_wrong_values(raw, "$"))
    except RecursionError:
        raise ConfigError(f"{file}: a part of it holds itself, or parts are in parts too deep") from None


def raise_if_any(mistakes: Sequence[str], file: str) -> None:
    """Raise ConfigError with all the mistakes, if there is one."""
    if mistakes:
        raise ConfigError(
            "\n  ".join([f"{file}:", *mistakes]) if len(mistakes) > 1 else f"{file}: {mistakes[0]}"
        )


class Door:
    """Decodes plain values into structs, collecting the mistakes with their paths."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def struct(self, kind: type[S], raw: Any, where: str) -> S | None:
        """Return `raw` as a struct, or None if there is a mistake in it."""
        before = len(self.mistakes)
        if not isinstance(raw, dict):
            self.mistakes.append(f"{where} should be keys and values, it is {cut(raw)}")
            return None
        fields = struct_fields(kind)
        self.mistakes += [
            f"{where} has no key {cut(key)}{nearest(str(key), fields)}" for key in raw if key not in fields
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
        bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        structs = [
            part for part in (bare, *get_args(bare)) if isinstance(part, type) and issubclass(part, Struct)
        ]
        if structs and get_origin(bare) is not dict and (bare in structs or isinstance(raw, dict)):
            return self.struct(structs[0], raw, where)
        if get_origin(kind) is dict and get_args(kind)[1] is not Any and isinstance(raw, dict):
            return {
                self.value(str, key, where): self.value(get_args(kind)[1], part, f"{where}.{key}")
                for key, part in raw.items()
            }
        try:
            return msgspec.convert(whole_number(raw) if _takes_whole(kind) else raw, kind)
        except msgspec.ValidationError as error:
            if isinstance(raw, str) and (words := _words_of(kind)):
                self.mistakes.append(f"{where}: there is no {cut(raw)}{nearest(raw, words)}")
            else:
                self.mistakes.append(_with_path(error, where, raw))
            return None


def whole_number(value: Any) -> Any:
    """Return a float that is a whole number as an int, 10.0 as 10; anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53 else value


def _takes_whole(kind: Any) -> bool:
    """Say whether a type takes an int and no float."""
    kinds = {part for given in (kind, *get_args(kind)) for part in (given, *get_args(given))}
    return int in kinds and float not in kinds


@cache
def struct_fields(kind: type[Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """Return a struct's fields by their keys in a file; msgspec reads its annotations anew each time."""
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def _words_of(kind: Any) -> list[str]:
    """Return the words that a `kind` may be, where it is a choice of some."""
    if get_origin(kind) is Literal:
        return [str(word) for word in get_args(kind)]
    return [word for part in get_args(kind) for word in _words_of(part)]


def _with_path(error: msgspec.ValidationError, where: str, raw: Any) -> str:
    """Return "$.portfolio.fee_bps: what is wrong"; msgspec counts its path from where it began."""
    what, _, path = str(error).partition(" - at `$")
    return f"{where}{path.rstrip('`')}: {what[:1].lower()}{what[1:]}, it is {cut(raw)}"


def _wrong_values(raw: Any, where: str) -> Iterator[str]:
    if isinstance(raw, float) and not isfinite(raw):
        yield f"{where} is {raw}, not a finite number"
    if isinstance(raw, str) and "\0" in raw:
        yield f"{where}: holds a NUL, it is {cut(raw)}"
    parts = raw.items() if isinstance(raw, dict) else enumerate(raw) if isinstance(raw, list | tuple) else ()
    for key, part in parts:
        yield from _wrong_values(part, f"{where}.{key}" if isinstance(raw, dict) else f"{where}[{key}]")


def _size(node: yaml.Node, sizes: dict[int, int]) -> int:
    """Return how many values a node stands for, aliases written out. sizes: of those that are known."""
    if id(node) not in sizes:
        sizes[id(node)] = 1  # for one that holds itself; whoever reads the values tells of it
        parts = node.value if isinstance(node, yaml.CollectionNode) else ()
        each = (each for part in parts for each in (part if isinstance(part, tuple) else (part,)))
        sizes[id(node)] = 1 + sum(_size(one, sizes) for one in each)
    return sizes[id(node)]


class _Loader(SafeLoader):
    """YAML 1.2's plain values, no key twice, and no aliases without measure."""

    def construct_document(self, node: yaml.Node) -> Any:
        """Return a document's values; refuse one that a few lines of aliases make huge."""
        sizes: dict[int, int] = {}
        if _size(node, sizes) - len(sizes) > _MOST_ALIASED:
            problem = f"its aliases stand for more than {_MOST_ALIASED:,} values"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return super().construct_document(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping's values; refuse a key that is there already."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f"the key {cut(key.value)} comes twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _int(_loader: _Loader, node: yaml.ScalarNode) -> int:
    if len(node.value) > _MOST_DIGITS:
        problem = f"a number has {len(node.value):,} digits"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    return int(node.value)


_Loader.add_constructor("tag:yaml.org,2002:int", _int)


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
