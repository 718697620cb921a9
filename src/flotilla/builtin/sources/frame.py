"""Bars from a data frame that the user has already: pandas, polars, or anything Arrow can read.

    one frame               in any of the layouts of tables.py; a pandas index is columns too
    two levels of columns   ("Close", "AAPL") and so on, in either order, as downloads give
    {"close": frame, ...}   one wide frame for each field, with equal times and instruments

Times with a zone are that instant. Times without one must all be midnight, or `zone` says
where they were taken. Midnights, all of them, in the times' own zone are session dates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flotilla.errors import DataError
from flotilla.model.panel import FIELDS, Panel
from flotilla.stream.bars.columns import int64_of, whole
from flotilla.stream.bars.draft import Draft, panel_of
from flotilla.stream.bars.findings import refuse
from flotilla.stream.bars.tables import TIMES, UNNAMED, Options, draft_of

NAME = "frame"
_DAY_US = 86_400_000_000


class Frame:
    """Bars from a frame in memory.

    data: see above. name: what messages and reports call it.
    tick: smallest price step, "0.01"; by default the fewest decimals that hold all prices.
    instrument, frequency, zone, unit: see tables.Options.
    """

    def __init__(
        self,
        *,
        data: Any,
        name: str = NAME,
        tick: str | None = None,
        instrument: str | None = None,
        frequency: str | None = None,
        zone: str | None = None,
        unit: str | None = None,
    ) -> None:
        self._data, self._name, self._tick = data, name, tick
        self._options = Options(instrument, frequency, zone, unit)

    def panel(
        self, start: date | None = None, end: date | None = None, instruments: Sequence[str] | None = None
    ) -> Panel:
        """Return the bars from `start` to `end`, both included."""
        data = _by_field(self._data)
        if isinstance(data, Mapping) and {*map(_field, data)} & {*FIELDS}:
            draft = self._merged({_field(key): frame for key, frame in data.items()})
        else:
            draft = self._draft(data, self._name)
        return panel_of(draft, start, end, instruments, self._tick)

    def _draft(self, data: Any, name: str) -> Draft:
        table = _dated(_table(data, name))
        return draft_of(table, name, self._options, lambda n: f"row {n}")

    def _merged(self, frames: Mapping[str, Any]) -> Draft:
        """Return wide frames, one for each field, as one; they must agree on both axes."""
        drafts = {field: self._draft(frame, f"{self._name}[{field!r}]") for field, frame in frames.items()}
        if "close" not in drafts:
            raise refuse(self._name, f"no frame of closes; there is {', '.join(frames)}", "give the closes")
        close = drafts["close"]
        for draft in drafts.values():
            if not np.array_equal(draft.ts, close.ts) or draft.instruments != close.instruments:
                raise refuse(draft.name, "its times or instruments are not those of the closes", "align them")
        return replace(
            close, name=self._name, fields={field: d.fields["close"] for field, d in drafts.items()}
        )


def _field(key: object) -> str:
    return str(key).strip().lower()


def _is_pandas(data: object) -> bool:
    # By name: to ask pandas itself it would have to be imported, for users who have none of its frames.
    return type(data).__module__.partition(".")[0] == "pandas"


def _by_field(data: Any) -> Any:
    """Split a pandas frame with two levels of columns into one frame for each field."""
    if not _is_pandas(data) or getattr(data, "ndim", 0) != 2 or data.columns.nlevels != 2:
        return data
    levels = [{_field(key) for key in data.columns.get_level_values(level)} for level in (0, 1)]
    level = 0 if "close" in levels[0] else 1
    keys = data.columns.get_level_values(level).unique()
    return {_field(key): data.xs(key, axis=1, level=level) for key in keys if _field(key) in FIELDS}


def _table(data: Any, name: str) -> pa.Table:
    """Return any frame as an Arrow table."""
    try:
        if _is_pandas(data) and getattr(data, "ndim", 0) == 2:
            data = data.rename(columns=str)
            return pa.Table.from_pandas(data)
        if isinstance(data, Mapping) or hasattr(data, "__arrow_c_stream__"):
            return pa.table(data)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise DataError(f"{name} cannot be used: Arrow cannot read it: {error}") from error
    what = f"it is {type(data).__module__}.{type(data).__qualname__}"
    raise refuse(name, what, "give a DataFrame, or a dict of one for each field")


def _dated(table: pa.Table) -> pa.Table:
    """Return the table with its times as dates, if they are all midnight in the zone they carry."""
    for n, name in enumerate(table.column_names):
        kind = table.schema.field(n).type
        if name.strip().lower() not in (*TIMES, *UNNAMED) or not pa.types.is_timestamp(kind) or not kind.tz:
            continue
        wall = pc.local_timestamp(whole(table[name])).cast(pa.timestamp("us"), safe=False)
        if not wall.null_count and not (int64_of(wall) % _DAY_US).any():
            table = table.set_column(n, name, wall.cast(pa.date32()))
    return table
