"""Put a report into a folder."""

from __future__ import annotations

from pathlib import Path

from flotilla.research.report.data import ReportData
from flotilla.research.report.document import document
from flotilla.research.report.page import page
from flotilla.research.report.sections import explored
from flotilla.stream.files import write_atomically

HTML, JSON = "report.html", "report.json"


def write_report(data: ReportData, folder: Path | str) -> tuple[Path, Path]:
    """Write report.html and report.json into `folder`, made if need be, and return their paths.

    Each appears whole or not at all: a reader never sees half of one, and a crash leaves the old one. Both
    are made before either is written, and the numbers first, so that a page always has its own beside it.
    """
    found = explored(data)
    numbers, text = document(data, found), page(data, found).encode()
    html, json = Path(folder, HTML), Path(folder, JSON)
    write_atomically(json, numbers)
    write_atomically(html, text)
    return html, json
