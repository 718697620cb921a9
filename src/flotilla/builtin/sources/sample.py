"""The prices that the examples run on: daily closes of 20 S&P 500 stocks, 1990-2022.

They ship inside the skfolio package, which is read as a folder: importing it would take
seconds. Twenty survivors are fine for mechanics and biased for research claims.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from flotilla.errors import ConfigError
from flotilla.model.panel import Panel
from flotilla.stream.bars.draft import panel_of
from flotilla.stream.bars.findings import refuse
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.tables import draft_of

FILE = "datasets/data/sp500_dataset.csv.gz"
TICK = "0.001"  # adjusted closes, published in thousandths


class Sample:
    """Adjusted daily closes, dollars, of 20 stocks from 1990-01-02 to 2022-12-28. Close only."""

    def panel(
        self, start: date | None = None, end: date | None = None, instruments: Sequence[str] | None = None
    ) -> Panel:
        """Return the closes from `start` to `end`, both included."""
        path = _data_file()
        try:
            text = gzip.decompress(path.read_bytes())
        except (EOFError, OSError, zlib.error) as error:
            raise refuse("sample", f"{path} cannot be unpacked: {error}", "install skfolio again") from error
        names = text[: text.index(b"\n")].decode().strip().split(",")
        kinds = {name: pa.float64() for name in names[1:]} | {names[0]: pa.date32()}
        table = csv.read_csv(pa.BufferReader(text), convert_options=csv.ConvertOptions(column_types=kinds))
        draft = draft_of(table, "sample", Options(), lambda n: f"line {n + 2}")
        return panel_of(draft, start, end, instruments, TICK)


def _data_file() -> Path:
    spec = find_spec("skfolio")
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder, FILE)
        if path.exists():
            return path
    raise ConfigError("the sample prices come with skfolio, which is not there: pip install skfolio")
