"""A table of risk decisions: who said what of which portfolio and instrument, and when it could be known.

    ts_recv,model,portfolio,instrument,scale,cap,reason
    2008-09-15T00:00:00Z,stress,*,*,0.5,1.0,var
    2009-03-10T00:00:00Z,stress,*,*,1.0,1.0,ok

A decision stands until the same model says something else of the same portfolio pattern and instrument. A
portfolio heeds, for each instrument, the least scale and the least cap of the decisions that stand. A row is
heeded on a bar only if its ts_recv is not after the bar's: one join decides that (`asof.latest`). Of rows of
one voice and one instant the last stands.

A table limits risk, so nothing of it is left out in silence: a column that is not known is refused with the
nearest (`symbol` and `ticker` are `instrument`), and rows that nobody heeds are told (`remarks_on`).
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from flotilla.errors import ConfigError, DataError, OutOfOrderError, nearest
from flotilla.model.ids import decision_id_of
from flotilla.stream.asof import latest
from flotilla.stream.bars.text import read_bytes, text_of
from flotilla.words import counted

NEEDED = ("ts_recv", "scale")
ALIASES = {"symbol": "instrument", "ticker": "instrument"}
SEPARATORS = (",", ";", "\t")
TYPES = {
    "model": pa.string(),
    "portfolio": pa.string(),
    "instrument": pa.string(),
    "scale": pa.float64(),
    "cap": pa.float64(),
    "reason": pa.string(),
}
DEFAULTS = {"model": "risk", "portfolio": "*", "instrument": "*", "cap": 1.0, "reason": "ok"}


class Decisions(NamedTuple):
    """What stands on each bar. scale, cap: float64[T, I]. A voice is a model, of an instrument pattern."""

    scale: NDArray[np.float64]
    cap: NDArray[np.float64]
    voices: tuple[tuple[str, str], ...]  # (model, instrument pattern)
    rows: NDArray[np.int64]  # [voices, T]

    def ids(self, t: int, instruments: Sequence[str]) -> list[tuple[str, ...]]:
        """Return, for each instrument, the ids of the decisions that stand on bar t."""
        found: list[tuple[str, ...]] = []
        for name in instruments:
            heard = [
                decision_id_of(model, int(self.rows[v, t]), pattern)
                for v, (model, pattern) in enumerate(self.voices)
                if self.rows[v, t] >= 0 and fnmatchcase(name, pattern)
            ]
            found.append(tuple(heard))
        return found


def read_decisions(path: Path) -> pa.Table:
    """Return the table in a CSV or Parquet file, checked; DataError names the row and the mend."""
    if not path.is_file():
        raise ConfigError(f"$.portfolio.decisions: there is no file {path}")
    try:
        table = _typed(_named(_read(path), path))
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} cannot be read as a table of decisions: {error}") from error
    return _checked(table, path)


def _read(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return pa.parquet.read_table(path)
    data = text_of(read_bytes(path), "utf-8", str(path))
    header = data.partition(b"\n")[0].decode()
    separator = max(SEPARATORS, key=header.count)
    columns = {name: TYPES[key] for name in header.split(separator) if (key := _column(name)) in TYPES}
    # An instrument may be called 600519, NA or TRUE, so types are given and only nothing is nothing.
    options = pa.csv.ConvertOptions(column_types=columns, null_values=[""], strings_can_be_null=True)
    parse = pa.csv.ParseOptions(delimiter=separator)
    # In one thread: a process that ends soon after, with an error, is aborted where Arrow's are left.
    alone = pa.csv.ReadOptions(use_threads=False)
    return pa.csv.read_csv(
        pa.BufferReader(data), read_options=alone, parse_options=parse, convert_options=options
    )


def _column(name: str) -> str:
    """Return what a header stands for, in any case of letters."""
    bare = name.strip().strip('"').strip().lower()
    return ALIASES.get(bare, bare)


def _named(table: pa.Table, path: Path) -> pa.Table:
    """Return the table with its columns called as ours; refuse one that is not known, or is there twice."""
    names = [_column(name) for name in table.column_names]
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise DataError(f"{path} has no column {', '.join(missing)}; a decision needs {', '.join(NEEDED)}")
    known = ["ts_recv", *TYPES]
    for told, name in zip(table.column_names, names, strict=True):
        if not name or name.startswith("__index_level"):
            raise DataError(f"{path}: a column has no name: it is an index; write the table without it")
        if name not in known:
            raise DataError(f"{path}: a decision has no {told!r}{nearest(name, [*known, *ALIASES])}")
        if names.count(name) > 1:
            same = [one for one, other in zip(table.column_names, names, strict=True) if other == name]
            raise DataError(f"{path}: {' and '.join(map(repr, same))} are one column; keep one of them")
    return table.rename_columns(names)


def _typed(table: pa.Table) -> pa.Table:
    """Return the table with every column there is; an empty cell is as a column that is not there."""
    columns = {"ts_recv": table["ts_recv"]}
    for name, kind in TYPES.items():
        there = name in table.column_names
        column = table[name].cast(kind) if there else pa.chunked_array([pa.nulls(table.num_rows, kind)])
        if kind == pa.string():
            column = pc.utf8_trim_whitespace(column)
            column = pc.if_else(pc.equal(column, ""), None, column)
        columns[name] = pc.fill_null(column, DEFAULTS[name]) if name in DEFAULTS else column
    return pa.table(columns)


def _checked(table: pa.Table, path: Path) -> pa.Table:
    """Return the table with ts_recv in ns UTC; refuse scales and caps outside [0, 1], or times going back."""
    kind = table.schema.field("ts_recv").type
    if table.num_rows and (not pa.types.is_timestamp(kind) or kind.tz is None):
        raise DataError(f"{path}: ts_recv is {kind}; write times with their zone, as 2008-09-15T00:00:00Z")
    unknown = np.flatnonzero(table["ts_recv"].is_null())
    if len(unknown):
        raise DataError(f"{path}: row {unknown[0] + 1} has no ts_recv ({len(unknown)} such rows)")
    for name in ("scale", "cap"):
        values = table[name].to_numpy(zero_copy_only=False)
        wrong = np.flatnonzero(~((values >= 0.0) & (values <= 1.0)))
        if len(wrong):
            raise DataError(
                f"{path}: {name} must be in [0, 1]; row {wrong[0] + 1} has {values[wrong[0]]} "
                f"({len(wrong)} such rows)"
            )
    times = table["ts_recv"].cast(pa.timestamp("ns", "UTC")).cast(pa.int64()).to_numpy()
    back = np.flatnonzero(np.diff(times) < 0)
    if len(back):
        raise OutOfOrderError(f"{path}: row {back[0] + 2} is earlier than the row before; sort it by ts_recv")
    return table.set_column(table.column_names.index("ts_recv"), "ts_recv", pa.array(times))


def decisions_for(
    table: pa.Table, portfolio_id: str, ts_recv: NDArray[np.int64], instruments: Sequence[str]
) -> Decisions:
    """Return what a portfolio heeds on bars known at ts_recv: int64[T], rising."""
    columns = {name: table[name].to_pylist() for name in ("model", "portfolio", "instrument")}
    times = table["ts_recv"].to_numpy()
    scales, caps = (table[n].cast(pa.float64()).to_numpy() for n in ("scale", "cap"))
    voices: dict[tuple[str, str, str], list[int]] = {}
    for row, (model, pattern, instrument) in enumerate(zip(*columns.values(), strict=True)):
        if fnmatchcase(portfolio_id, pattern):
            voices.setdefault((model, pattern, instrument), []).append(row)
    scale = np.ones((len(ts_recv), len(instruments)))
    cap = np.ones_like(scale)
    rows = np.full((len(voices), len(ts_recv)), -1, np.int64)
    for v, ((_, _, pattern), mine) in enumerate(voices.items()):
        at = latest(times[mine], ts_recv)
        rows[v] = np.where(at >= 0, np.array(mine)[at], -1)
        heard = rows[v] >= 0
        for i, name in enumerate(instruments):
            if fnmatchcase(name, pattern):
                scale[heard, i] = np.minimum(scale[heard, i], scales[rows[v][heard]])
                cap[heard, i] = np.minimum(cap[heard, i], caps[rows[v][heard]])
    return Decisions(scale, cap, tuple((model, pattern) for model, _, pattern in voices), rows)


def remarks_on(
    table: pa.Table, name: str, portfolio_id: str, ts_recv: NDArray[np.int64], instruments: Sequence[str]
) -> tuple[str, ...]:
    """Return what of a table nobody heeds, a sentence each. name: of its file; ts_recv: int64[T], the bars'.

    DataError where an instrument is one of them but for the case of its letters.
    """
    if not table.num_rows:
        return (f"{name} has no rows, so it decides nothing.",)
    patterns, portfolios = (table[column].to_pylist() for column in ("instrument", "portfolio"))
    nobody = {p for p in set(patterns) if not any(fnmatchcase(i, p) for i in instruments)}
    spelled = {i.casefold(): i for i in instruments}
    for pattern in sorted(nobody):
        if pattern.casefold() in spelled:
            row, there = patterns.index(pattern) + 1, spelled[pattern.casefold()]
            raise DataError(f"{name}: row {row} is for the instrument {pattern!r}; it is called {there!r}")
    elsewhere = {p for p in set(portfolios) if not fnmatchcase(portfolio_id, p)}
    late = table["ts_recv"].to_numpy() > ts_recv[-1]
    told = [
        *(_remark(name, patterns, p, "instrument", nearest(p, instruments)) for p in sorted(nobody)),
        *(
            _remark(name, portfolios, p, "portfolio", f"; this one is {portfolio_id}")
            for p in sorted(elsewhere)
        ),
    ]
    if late.any():
        first, count = int(late.argmax()), counted(int(late.sum()), "such row")
        when = str(np.datetime64(table["ts_recv"][first].as_py(), "ns"))[:19]
        told.append(
            f"{name}: row {first + 1} of {when}Z is after the last bar, so no bar heeds it ({count})."
        )
    return (*told, *_contradictions(table, name))


def _remark(name: str, column: list[str], value: str, what: str, hint: str) -> str:
    row, count = column.index(value) + 1, counted(column.count(value), "such row")
    return f"{name}: row {row} is for the {what} {value!r}, which is not here ({count}){hint.rstrip('?')}."


def _contradictions(table: pa.Table, name: str) -> list[str]:
    """Return a sentence where one voice says two things at one instant."""
    keys = list(
        zip(*(table[n].to_pylist() for n in ("ts_recv", "model", "portfolio", "instrument")), strict=True)
    )
    said = list(zip(table["scale"].to_pylist(), table["cap"].to_pylist(), strict=True))
    last = {key: row for row, key in enumerate(keys)}
    over = [row for row, key in enumerate(keys) if said[row] != said[last[key]]]
    if not over:
        return []
    there = f"row {over[0] + 1} and row {last[keys[over[0]]] + 1}"
    what = "are of one model and one instant, and the later one stands"
    return [f"{name}: {there} {what} ({counted(len(over), 'such row')})."]
