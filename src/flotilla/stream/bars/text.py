"""The text of a file: one encoding, not packed, not cut off.

1. Take the bytes (`read_bytes`), unpacked if they are gzip.
2. Take them as UTF-8 without NUL bytes, or say what they are (`text_of`).
"""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

from flotilla.errors import ConfigError
from flotilla.stream.bars.findings import refuse
from flotilla.stream.bars.sizes import COPIES, available, check_fits, size_of

_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_BINARY = {b"PK\x03\x04": "a zip archive: unpack it", b"PAR1": "a Parquet file: use source: parquet"}

_SMALL = 64_000_000  # bytes that may always come out of a packed file
_MOST_TIMES = 250  # as long as it is packed: text of prices packs to a fifth, of repetitions to a hundredth


def read_bytes(path: Path) -> bytes:
    """Return a file's content; ConfigError if the path does not lead to one, DataError if it is too large."""
    check_fits(path.name, COPIES * size_of(path), "to read it")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def text_of(data: bytes, encoding: str, name: str) -> bytes:
    """Return the file's text as UTF-8 without a byte order mark."""
    if data[:2] == b"\x1f\x8b":
        try:
            data = _unpacked(data, name)
        except (EOFError, OSError, zlib.error) as error:
            raise refuse(
                name, f"it cannot be unpacked: {error}", "fetch the file again", "truncated"
            ) from error
    for mark, what in _BINARY.items():
        if data.startswith(mark):
            raise refuse(name, f"it is no text but {what}", "give text", "wrong_format")
    if data[:2] in _MARKS and encoding == "utf-8":
        raise refuse(
            name, f"its byte order mark says {_MARKS[data[:2]]}", "say so: encoding: utf-16", "encoding"
        )
    if encoding != "utf-8":
        try:
            data = data.decode(encoding).encode()
        except LookupError:
            raise ConfigError(f"encoding {encoding!r} is not known; try utf-8, latin-1 or utf-16") from None
        except UnicodeDecodeError as error:
            raise refuse(
                name, f"it is not {encoding}: {error}", "give its true encoding", "encoding"
            ) from error
    data = data.removeprefix(b"\xef\xbb\xbf")
    if (nul := data.find(b"\0")) >= 0:
        what = f"{data.count(0)} x a NUL byte, first at byte {nul} on line {_line(data, nul)}"
        raise refuse(name, what, "fetch the file again, it is damaged", "binary_in_text")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        what = (
            f"byte {error.start} ({data[error.start]:#04x}), on line {_line(data, error.start)}, is not UTF-8"
        )
        raise refuse(name, what, "say how it is written, as encoding: latin-1", "encoding") from error
    return data


def _unpacked(data: bytes, name: str) -> bytes:
    """Return what gzip packed, and no more than prices can be packed."""
    most = min(max(_SMALL, _MOST_TIMES * len(data)), available() // COPIES)
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        out = file.read(most + 1)
    if len(out) > most:
        what = f"it unpacks to more than {most / 1e6:,.0f} MB, from {len(data) / 1e6:,.1f} MB: no prices do"
        raise refuse(name, what, "look at where it comes from; give it unpacked if it is right", "too_large")
    return out


def _line(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1
