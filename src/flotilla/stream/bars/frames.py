"""A panel that is a frame again: what came in from pandas or polars comes out as it.

`Panel` itself opens nothing and knows neither library; whoever makes panels makes these. The two are imported
when they are asked for, because the processes of a live run never are.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flotilla.clock import DAY_NS
from flotilla.model.panel import Panel

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


class Bars(Panel):
    """A panel that can be looked at as a frame of polars or of pandas."""

    def frame(self) -> pl.DataFrame:
        """Return the bars as a polars frame: `panel_from` of it is the same panel.

        Closes alone are wide: date or ts, and a column for each instrument. Bars with more fields are long: a
        row for each bar that traded, with date or ts, symbol and the fields, one instrument after the other.
        """
        import polars as pl

        if set(self.fields) == {"close"}:
            close = self.fields["close"]
            columns = {name: close[:, i].copy() for i, name in enumerate(self.instruments)}
            return pl.DataFrame({"": self.ts_event, **columns}, nan_to_null=True).select(
                self._times(pl.col("")), pl.exclude("")
            )
        bars, count = self.shape
        flat = {name: values.T.reshape(-1) for name, values in self.fields.items()}
        long = pl.DataFrame({
            "ts": np.tile(self.ts_event, count),
            "symbol": np.repeat(np.arange(count), bars),
            **flat,
        })  # fmt: skip
        traded = long.filter(~pl.col("close").is_nan())
        names = pl.Series(self.instruments, dtype=pl.String).gather(traded["symbol"])
        return traded.select(self._times(pl.col("ts")), names.alias("symbol"), *map(pl.col, flat))

    def pandas(self) -> pd.DataFrame:
        """Return the bars as a pandas frame, wide: a row for each time, and columns (field, instrument).

        `panel_from` of it is the same panel. The index is in the panel's zone; of session dates it has none.
        """
        import pandas as pd

        index = pd.DatetimeIndex(self.ts_event.view("datetime64[ns]"), name="date" if self._dated else "ts")
        if not self._dated:
            index = index.tz_localize("UTC").tz_convert(self.zone)
        names = pd.MultiIndex.from_product([list(self.fields), self.instruments], names=["field", "symbol"])
        return pd.DataFrame(np.hstack(list(self.fields.values())), index, names)

    @property
    def _dated(self) -> bool:
        """Say whether the bars are session dates."""
        daily = (self.ts_recv - self.ts_event == DAY_NS).all() and not (self.ts_event % DAY_NS).any()
        return bool(daily) and self.zone == "UTC"

    def _times(self, column: pl.Expr) -> pl.Expr:
        import polars as pl

        stamps = column.cast(pl.Datetime("ns"))
        if self._dated:
            return stamps.cast(pl.Date).alias("date")
        return stamps.dt.replace_time_zone("UTC").dt.convert_time_zone(self.zone).alias("ts")

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{escape(remark)}</li>" for remark in self.remarks)
        ends: NDArray[Any] = np.array([self._ends(values) for values in self.fields["close"].T[:10]])
        cells = [
            f"<tr><td>{escape(name)}</td><td>{first:,.6g}</td><td>{last:,.6g}</td></tr>"
            for name, (first, last) in zip(self.instruments, ends, strict=False)
        ]
        more = f"<p>and {len(self.instruments) - 10:,} more</p>" if len(self.instruments) > 10 else ""
        head = "<tr><th></th><th>first close</th><th>last close</th></tr>"
        return f"<p>{escape(repr(self))}</p><ul>{notes}</ul><table>{head}{''.join(cells)}</table>{more}"

    @staticmethod
    def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
        there = values[~np.isnan(values)]
        return (float(there[0]), float(there[-1])) if len(there) else (np.nan, np.nan)
