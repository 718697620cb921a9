"""The page: one HTML file that needs nothing else, not even a network.

1. `sections.body` says it all in markup, with the pictures as SVG that our own functions draw.
2. `report.css` and `report.js` are put into the page. The script adds the crosshair and the tips; without it
   everything is still there, the switch between scales too.
3. A content policy allows that one script, by its hash, and no connection at all. So even a name that were
   not escaped (see markup.py) could neither run nor call home.

The pictures are drawn here and not by a library: plotly's script alone puts 4.7 MB into every report. This
page is an eighth of that, its pictures are there on paper and without a script, and their text can be found
and read aloud.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from math import isnan

import msgspec
import numpy as np

from flotilla.model.arrays import Floats
from flotilla.research.periods import drawdown
from flotilla.research.report.data import ReportData
from flotilla.research.report.markup import Markup, join, tag
from flotilla.research.report.sections import Explored, body

HOVERED = 12_000  # rows that the crosshair can stop at; of more, evenly chosen ones


def page(data: ReportData, found: Explored | None) -> str:
    """Return the report as HTML."""
    script = Markup(asset("report.js"))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy(script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{data.name} · research report"),
        tag("style", Markup(asset("report.css"))),
    )
    rows = tag("script", Markup(embedded(series(data))), type="application/json", id="series")
    whole = tag("html", head, tag("body", join(body(data, found)), rows, tag("script", script)), lang="en")
    return f"<!doctype html>\n{whole}\n"


def policy(script: str) -> str:
    """Return what the page may do: run that script, and show what it carries. Nothing may be fetched."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def asset(name: str) -> str:
    """Return one of the files beside this one."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def series(data: ReportData) -> dict[str, object]:
    """Return what the crosshair reads: a few digits of each row, since nobody reads more off a picture."""
    step = -(-len(data.ts) // HOVERED)
    rows = np.unique(np.append(np.arange(0, len(data.ts), step), len(data.ts) - 1))
    seconds = data.ts[rows] // 1_000_000_000
    unit = 86_400 if not np.any(seconds % 86_400) else 1
    lines: dict[str, object] = {
        "own": _digits(data.equity[rows]),
        "ownFall": _parts(drawdown(data.equity)[rows]),
    }
    if data.benchmark is not None:
        lines |= {"other": _digits(data.benchmark[rows]), "otherFall": _parts(drawdown(data.benchmark)[rows])}
    if data.exposure is not None:
        lines["exposure"] = _parts(data.exposure[rows])
    names = {"own": data.name, "other": data.benchmark_name}
    return {
        "names": names,
        "unit": unit,
        "start": int(seconds[0]),
        "steps": np.diff(seconds // unit).tolist(),
        **lines,
    }


def embedded(value: object) -> str:
    """Return `value` as JSON that can stand in a script element: nothing in it can end the element."""
    return msgspec.json.encode(value).decode().replace("<", "\\u003c").replace("&", "\\u0026")


def _digits(curve: Floats) -> list[float | int | None]:
    """Return six digits of each value, as an integer where that is enough."""
    if np.nanmax(np.abs(curve)) >= 1e5:
        return [None if isnan(v) else int(v) for v in np.rint(curve).tolist()]
    return [None if isnan(v) else float(f"{v:.6g}") for v in curve.tolist()]


def _parts(fractions: Floats) -> list[int | None]:
    """Return fractions in parts of ten thousand."""
    return [None if isnan(v) else int(v) for v in np.rint(fractions * 1e4).tolist()]
