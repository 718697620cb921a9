"""Times of a clock on the wall, as instants; where the clocks change, by the order of the rows.

In autumn an hour comes twice. If both its passes are there, one after the other, the first is the
earlier; with only one of them nothing tells which it is, and it is refused. In spring an hour
never comes, and a row that claims it is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from flotilla.clock import DAY_NS
from flotilla.errors import ConfigError
from flotilla.model.arrays import Stamps
from flotilla.stream.bars.columns import int64_of
from flotilla.stream.bars.findings import Findings
from flotilla.stream.bars.places import RowPlace


def zone_of(zone: str) -> ZoneInfo:
    """Return a zone by its name; ConfigError if there is none."""
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"zone {zone!r} is not a time zone such as UTC or America/New_York") from None


def wall_in(ts: Stamps, zone: str) -> Stamps:
    """Return what clocks in a zone say at instants, ns as if they were UTC, int64[N]."""
    zone_of(zone)
    local = pc.local_timestamp(pa.array(ts, pa.timestamp("ns", zone)))
    return int64_of(local.cast(pa.timestamp("ns")))


def utc_of(
    wall: Stamps,
    zone: str | None,
    findings: Findings,
    place: RowPlace,
    groups: Callable[[], NDArray[np.intp]] | None = None,
    *,
    newest_first: bool = False,
) -> Stamps:
    """Return UTC for times of a clock on the wall in `zone`, int64[N] ns as if they were UTC.

    groups: whose each row is, where rows of several instruments stand in one table.
    newest_first: rows may be in falling order.
    """

    def told(n: int) -> str:
        return f"{place(n)}: {str(wall[n : n + 1].astype('M8[ns]')[0])[:19]}"

    if zone is None:
        mend = "say where: zone: UTC, or zone: America/New_York"
        findings.add(len(wall), "a time has no zone", map(told, range(len(wall))), mend, code="no_timezone")
        return wall
    zone_of(zone)
    column = pa.array(wall, pa.timestamp("ns"))
    early, late = (
        int64_of(pc.assume_timezone(column, zone, ambiguous=side, nonexistent=side))
        for side in ("earliest", "latest")
    )
    # Where the two readings differ the clocks changed: an hour apart if the time came twice,
    # the last instant before and the first after if it never came.
    apart = late - early
    twice = np.flatnonzero(apart > 1)
    second, unclear = _passes(wall, twice, groups, newest_first=newest_first)
    never = np.flatnonzero(apart == 1)
    mend = "give times with their UTC offset, or the true zone"
    for rows, fate, code in (
        (unclear, "comes twice", "dst_ambiguous"),
        (never, "does not exist", "dst_nonexistent"),
    ):
        what = f"a time {fate} in {zone}: the clocks change there"
        findings.add(len(rows), what, map(told, rows.tolist()), mend, code=code, rows=rows)
    out = early.copy()
    out[second] = late[second]
    return out


def _passes(
    wall: Stamps,
    rows: NDArray[np.intp],
    groups: Callable[[], NDArray[np.intp]] | None,
    *,
    newest_first: bool,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which of the rows that come twice are of the second pass, and those that nothing tells."""
    owner = groups()[rows] if groups is not None and len(rows) else np.zeros(len(rows), np.intp)
    second: list[NDArray[np.intp]] = []
    unclear: list[NDArray[np.intp]] = []
    keys = np.stack([owner, wall[rows] // DAY_NS], axis=1) if len(rows) else np.zeros((0, 2), np.int64)
    for key in np.unique(keys, axis=0):
        these = rows[(keys == key).all(axis=1)]
        if newest_first and wall[0] > wall[-1]:
            these = these[::-1]
        back = np.flatnonzero(np.diff(wall[these]) <= 0)
        if len(back) == 1:
            second.append(these[back[0] + 1 :])
        else:
            unclear.append(these)
    none = np.zeros(0, np.intp)
    return np.concatenate([none, *second]), np.sort(np.concatenate([none, *unclear]))
