"""Bars from a data frame that the user has already: pandas, polars, or anything Arrow can read.

    one frame               in any of the layouts of layouts.py; a pandas index is columns too
    two levels of columns   ("Close", "AAPL") and so on, in either order, as downloads give
    a pandas Series         the closes of one instrument, called as the Series is
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

from flotilla.errors import DataError
from flotilla.model.panel import FIELDS, Panel
from flotilla.stream.bars.adjusted import ADJUSTED_CLOSE, adjusted, is_adjusted_close, unread
from flotilla.stream.bars.dialects import shape_of
from flotilla.stream.bars.draft import Draft, panel_of
from flotilla.stream.bars.findings import refuse
from flotilla.stream.bars.heads import Head
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.tables import draft_of

NAME = "frame"


class Frame:
    """Bars from a frame in memory.

    data: see above. name: what messages and reports call it.
    tick: smallest price step, "0.01"; by default the fewest decimals that hold all prices.
    The others: see options.Options.
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
        date_format: str | None = None,
        columns: Mapping[str, str] | None = None,
        extra: Sequence[str] = (),
        sort: bool = False,
        adjusted: bool | None = None,
        layout: str | None = None,
        dialect: str | None = None,
    ) -> None:
        self._data, self._name, self._tick = data, name, tick
        self._options = Options(
            instrument=instrument,
            frequency=frequency,
            zone=zone,
            unit=unit,
            date_format=date_format,
            columns=columns or {},
            extra=tuple(extra),
            sort=sort,
            adjusted=adjusted,
            layout=layout,
            dialect=dialect,
        )

    def panel(
        self, start: date | None = None, end: date | None = None, instruments: Sequence[str] | None = None
    ) -> Panel:
        """Return the bars from `start` to `end`, both included."""
        data = _by_field(_framed(self._data, self._options.instrument, self._name))
        if isinstance(data, Mapping) and {*map(_field, data)} & {*FIELDS}:
            draft = self._merged({str(key).strip(): frame for key, frame in data.items()})
        else:
            draft = self._draft(data, self._name, self._options)
        return panel_of(draft, start, end, instruments, self._tick)

    def _draft(self, data: Any, name: str, options: Options) -> Draft:
        table = _table(data, name)
        shape = shape_of(Head([table.column_names], name), options, name)
        draft = draft_of(table, name, shape.options, lambda n: f"row {n}")
        return draft if shape.remark is None else replace(draft, remarks=(shape.remark, *draft.remarks))

    def _merged(self, frames: Mapping[str, Any]) -> Draft:
        """Return wide frames, one for each field, as one; they must agree on both axes."""
        beside = [key for key in frames if is_adjusted_close(key)]
        said = self._options.adjusted
        if said and len(beside) != 1:
            what = f"no column of adjusted closes, or several; there is {', '.join(frames)}"
            raise refuse(self._name, what, "give one, or leave adjusted out", "missing_column")
        wanted = {_field(key): frame for key, frame in frames.items() if key not in beside}
        if said:
            wanted[ADJUSTED_CLOSE] = frames[beside[0]]
        alone = replace(self._options, adjusted=None)
        drafts = {
            field: self._draft(frame, f"{self._name}[{field!r}]", alone) for field, frame in wanted.items()
        }
        if "close" not in drafts:
            raise refuse(self._name, f"no frame of closes; there is {', '.join(frames)}", "give the closes")
        close = drafts["close"]
        for draft in drafts.values():
            if not np.array_equal(draft.ts, close.ts) or draft.instruments != close.instruments:
                raise refuse(draft.name, "its times or instruments are not those of the closes", "align them")
        fields = adjusted({field: draft.fields["close"] for field, draft in drafts.items()})
        told = (unread(self._name, "Close", beside[0]),) if beside and said is None else ()
        return replace(close, name=self._name, fields=fields, remarks=(*told, *close.remarks))


def _framed(data: Any, instrument: str | None, name: str) -> Any:
    """Return a pandas Series as a frame of one instrument: the one that is said, or else what it is called.

    Two levels of its index are times and symbols. What has no times is refused.
    """
    if _is_pandas(data) and getattr(data, "ndim", 0) == 1 and hasattr(data, "to_frame"):
        column = instrument or ("close" if data.name is None or data.index.nlevels > 1 else str(data.name))
        return data.to_frame(column)
    if isinstance(data, np.ndarray) or (hasattr(data, "to_frame") and not hasattr(data, "index")):
        raise refuse(
            name, f"a bare {type(data).__name__} has no times", "give a frame with a column of dates"
        )
    return data


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
    return {
        str(key).strip(): data.xs(key, axis=1, level=level)
        for key in keys
        if _field(key) in FIELDS or is_adjusted_close(str(key))
    }


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
