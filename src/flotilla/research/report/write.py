"""Put a report into a folder."""

from __future__ import annotations

from pathlib import Path

from flotilla.errors import ConfigError
from flotilla.research.report.data import ReportData
from flotilla.research.report.document import document
from flotilla.research.report.page import page
from flotilla.research.report.sections import explored
from flotilla.stream.files import write_atomically
from flotilla.words import cut

HTML, JSON = "report.html", "report.json"


def write_report(data: ReportData, folder: Path | str) -> tuple[Path, Path]:
    """Write report.html and report.json into `folder`, made if need be, and return their paths.

    Each appears whole or not at all: a reader never sees half of one, and a crash leaves the old one. Both
    are made before either is written, and the numbers first, so that a page always has its own beside it.
    """
    if not isinstance(data, ReportData):
        raise ConfigError(
            "write_report needs what report_data returns, as write_report(report_data(result), folder), not "
            f"{cut(data)}"
        )
    if not isinstance(folder, str | Path):
        raise ConfigError(f"folder should be the path of a folder, it is {cut(folder)}")
    if Path(folder).is_file() or Path(folder).suffix.lower() in (".html", ".htm", ".json"):
        raise ConfigError(f"{folder} should be a folder: {HTML} and {JSON} are written into it")
    found = explored(data)
    numbers, text = document(data, found), page(data, found).encode()
    html, json = Path(folder, HTML), Path(folder, JSON)
    write_atomically(json, numbers)
    write_atomically(html, text)
    return html, json
