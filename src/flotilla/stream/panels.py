"""Panels in the store: the bars that a live run replays, found by their identity.

A field is one column of fixed-size lists, a list for each bar, so that its memory is the
panel's own float64[T, I]. What else a panel says stands in the table's metadata.
"""

from __future__ import annotations

import msgspec
import numpy as np
import pyarrow as pa

from flotilla.errors import DataError
from flotilla.model.panel import Panel
from flotilla.stream.bars.frames import Bars
from flotilla.stream.table import Store

_KEY = b"flotilla.panel"
_TIMES = ("ts_event", "ts_recv")


class _Facts(msgspec.Struct, frozen=True):
    name: str
    instruments: tuple[str, ...]
    ticks_per_unit: tuple[float, ...]
    zone: str
    remarks: tuple[str, ...]


def put_panel(store: Store, panel: Panel) -> None:
    """Keep `panel` under its identity; if it is there already, and whole, nothing is written."""
    if store.take(panel.identity) is not None:
        return
    columns = {name: pa.array(getattr(panel, name)) for name in _TIMES}
    for name, values in panel.fields.items():
        flat = pa.array(np.ascontiguousarray(values).reshape(-1))
        columns[name] = pa.FixedSizeListArray.from_arrays(flat, len(panel.instruments))
    facts = _Facts(
        panel.name, panel.instruments, tuple(panel.ticks_per_unit.tolist()), panel.zone, panel.remarks
    )
    table = pa.table(columns).replace_schema_metadata({_KEY: msgspec.json.encode(facts)})
    store.put(panel.identity, table, {"kind": "panel", "name": panel.name})


def get_panel(store: Store, identity: str) -> Panel:
    """Return the panel of that identity, in memory of its own; `DataError` where there is none."""
    table = store.get(identity)
    if table is None or _KEY not in (table.schema.metadata or {}):
        raise DataError(f"there is no panel {identity} in {store.folder}")
    facts = msgspec.json.decode(table.schema.metadata[_KEY], type=_Facts)
    ts_event, ts_recv = (np.frombuffer(_memory(table.column(name)), np.int64).copy() for name in _TIMES)
    fields = {}
    for name in table.column_names[len(_TIMES) :]:
        flat = np.frombuffer(_memory(table.column(name).combine_chunks().flatten()), np.float64)
        fields[name] = flat.reshape(len(table), len(facts.instruments)).copy()
    ticks = np.array(facts.ticks_per_unit)
    return Bars(
        ts_event, ts_recv, facts.instruments, fields, ticks, identity, facts.name, facts.zone, facts.remarks
    )


def _memory(column: pa.Array | pa.ChunkedArray) -> pa.Buffer:
    """Return a column's values as they lie in memory."""
    # Arrow's own way to numpy imports pandas, which would take longer than all else a role does to start.
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    _, values = array.buffers()
    size = array.type.bit_width // 8
    return values.slice(array.offset * size, len(array) * size)
