"""A file as a Draft: what the sources `csv` and `parquet` and the command line read alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from flotilla.stream.bars import csv_table, parquet_table
from flotilla.stream.bars.draft import Draft
from flotilla.stream.bars.findings import Findings
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.tables import draft_of
from flotilla.stream.bars.text import read_bytes, text_of

PARQUET = (".parquet", ".pq")


def draft_of_file(path: Path, options: Options, findings: Findings | None = None) -> Draft:
    """Return the bars of one file, unchecked: Parquet by its name's end, else text.

    findings: what is found while reading goes there, and is raised with all that panel_of finds.
    """
    return (draft_of_parquet if path.suffix.lower() in PARQUET else draft_of_csv)(path, options, findings)


def draft_of_csv(path: Path, options: Options, findings: Findings | None = None) -> Draft:
    """Return the bars of a CSV file, plain or gzipped."""
    findings = Findings(path.name) if findings is None else findings
    text = text_of(read_bytes(path), options.encoding, path.name)
    read = csv_table.table_of(text, options, findings)
    draft = draft_of(read.table, path.name, read.options, read.place, findings, read.layout)
    return draft if read.remark is None else replace(draft, remarks=(read.remark, *draft.remarks))


def draft_of_parquet(path: Path, options: Options, findings: Findings | None = None) -> Draft:
    """Return the bars of a Parquet file."""
    read = parquet_table.table_of(path, options)
    draft = draft_of(read.table, path.name, read.options, lambda n: f"row {n}", findings, read.layout)
    return draft if read.remark is None else replace(draft, remarks=(read.remark, *draft.remarks))
