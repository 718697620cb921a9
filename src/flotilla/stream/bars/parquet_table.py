"""The table of a Parquet file: only the columns that are read, each checked for damage."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import parquet

from flotilla.errors import ConfigError
from flotilla.stream.bars.dialects import shape_of
from flotilla.stream.bars.findings import Findings, refuse
from flotilla.stream.bars.heads import Head, stem_of
from flotilla.stream.bars.layouts import Layout, layout_of
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.sizes import COPIES, check_fits, size_of

MAGIC = b"PAR1"


class ParquetTable(NamedTuple):
    """A file as a table. options: the user's, with what its columns say; remark: what was recognised."""

    table: pa.Table
    options: Options
    remark: str | None
    layout: Layout


def table_of(path: Path, options: Options) -> ParquetTable:
    """Return the columns of bars in a Parquet file."""
    name = path.name
    size_of(path)
    _check_ends(path, name)
    try:
        with parquet.ParquetFile(path, memory_map=True, page_checksum_verification=True) as file:
            return _read(file, name, options)
    except (pa.ArrowException, OSError) as error:
        raise refuse(
            name, f"it cannot be read: {error}", "fetch the file again, it is damaged", "corrupt"
        ) from error


def whole_table_of(path: Path) -> pa.Table:
    """Return all columns of a Parquet file."""
    name = path.name
    _check_ends(path, name)
    try:
        with parquet.ParquetFile(path, memory_map=True, page_checksum_verification=True) as file:
            return _taken(file, file.schema_arrow.names, name)
    except (pa.ArrowException, OSError) as error:
        raise refuse(
            name, f"it cannot be read: {error}", "fetch the file again, it is damaged", "corrupt"
        ) from error


def _check_ends(path: Path, name: str) -> None:
    """Tell what is no Parquet file, or the first part of one, from one that is damaged inside."""
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
            size = file.seek(0, 2)
            file.seek(max(size - len(MAGIC), 0))
            tail = file.read()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    if not size:
        raise refuse(name, "it has 0 bytes", "fetch the file again", "empty")
    if head != MAGIC:
        hint = "text, use source: csv" if head.isascii() and head.decode().isprintable() else "something else"
        raise refuse(
            name, f"it is no Parquet file, it begins with {head!r}", f"it looks like {hint}", "wrong_format"
        )
    if tail != MAGIC or size <= 2 * len(MAGIC):
        raise refuse(name, "it has no footer", "fetch the file again, it is cut off", "truncated")


def _read(file: parquet.ParquetFile, name: str, options: Options) -> ParquetTable:
    """Return the columns that the layout reads."""
    names = file.schema_arrow.names
    shape = shape_of(Head([names], stem_of(name)), options, name)
    layout = layout_of(names, name, shape.options)
    wanted = {*layout.texts(shape.options), *layout.numbers(names, shape.options)}
    columns = [column for column in names if column in wanted]
    check_fits(name, COPIES * 8 * file.metadata.num_rows * len(columns), "to read it")
    return ParquetTable(_taken(file, columns, name), shape.options, shape.remark, layout)


def _taken(file: parquet.ParquetFile, columns: list[str], name: str) -> pa.Table:
    """Return some columns; DataError naming each that is damaged."""
    try:
        return file.read(columns=columns)
    except (pa.ArrowException, OSError):
        _find_damage(file, columns, name)
        raise


def _find_damage(file: parquet.ParquetFile, columns: list[str], name: str) -> None:
    """Raise DataError naming each column that cannot be decoded."""
    damaged = []
    for column in columns:
        try:
            file.read(columns=[column])
        except (pa.ArrowException, OSError) as error:
            damaged.append(f"{column}: {_first_line(error)}")
    findings = Findings(name)
    mend = "fetch the file again, it is damaged"
    findings.add(len(damaged), "a column cannot be decoded", damaged, mend, code="corrupt")
    findings.raise_if_any()


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
