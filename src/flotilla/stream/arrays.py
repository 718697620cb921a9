"""Bytes for what a stage remembers: nested values and numpy arrays, back with the same bits.

    None bool int float str bytes list tuple dict (keys str, int)    as themselves
    numpy arrays and scalars of plain numbers, times and fixed text    with dtype and shape

There is no pickle: reading bytes runs no code, so a checkpoint may come from anyone. What is
not in the list is refused when it is written, with its path, and not when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import msgspec
import numpy as np

from flotilla.errors import DataError

_MARK = b"\x93F\x01"  # no msgpack value that `encode_arrays` makes begins so: version 1
_KINDS = frozenset("biufcmMSU")  # of dtypes: no objects, no records
_INT64 = range(-(2**63), 2**64)
# Extension codes. An int too large for msgpack (a random generator's state) is one too.
_ARRAY, _SCALAR, _TUPLE, _BIG = 1, 2, 3, 4


def encode_arrays(value: Any) -> bytes:
    """Return `value` as bytes; TypeError names what cannot be kept, by its path from `$`."""
    return _MARK + msgspec.msgpack.encode(_plain(value, "$"))


def decode_arrays(blob: bytes) -> Any:
    """Return what `encode_arrays` was given. Arrays are C-contiguous, writable copies.

    DataError if the bytes are not what it made.
    """
    if blob[: len(_MARK)] != _MARK:
        raise DataError(f"these bytes are no state: they begin with {blob[: len(_MARK)]!r}")
    try:
        return msgspec.msgpack.decode(memoryview(blob)[len(_MARK) :], ext_hook=_revived, strict=True)
    except (msgspec.DecodeError, ValueError, TypeError, RecursionError) as error:
        raise DataError(f"this state is damaged: {error}") from error


def _plain(value: Any, path: str) -> Any:
    """Return `value` in msgpack's own types, with Ext for the others."""
    kind = type(value)
    if value is None or kind in (bool, float, str, bytes):
        return value
    if kind is int:
        return value if value in _INT64 else _big(value)
    if kind is list:
        return [_plain(part, f"{path}[{n}]") for n, part in enumerate(value)]
    if kind is tuple:
        return _ext(_TUPLE, [_plain(part, f"{path}[{n}]") for n, part in enumerate(value)])
    if kind is dict:
        for key in value:
            if type(key) is not str and (type(key) is not int or key not in _INT64):
                raise TypeError(f"{path} has a key that is neither text nor an int64: {key!r}")
        return {key: _plain(part, f"{path}.{key}") for key, part in value.items()}
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in _KINDS:
        array = np.asarray(value)
        code = _ARRAY if isinstance(value, np.ndarray) else _SCALAR
        # tobytes writes rows in C order, whatever the memory's order is.
        return _ext(code, [array.dtype.str, list(array.shape), array.tobytes()])
    dtype = f" of {value.dtype}" if isinstance(value, np.ndarray) else ""
    raise TypeError(f"{path} is a {kind.__name__}{dtype}, which cannot be kept")


def _ext(code: int, value: Any) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(code, msgspec.msgpack.encode(value))


def _big(value: int) -> msgspec.msgpack.Ext:
    size = value.bit_length() // 8 + 1
    return msgspec.msgpack.Ext(_BIG, value.to_bytes(size, "little", signed=True))


def _revived(code: int, data: memoryview) -> Any:
    if code not in _READERS:
        raise DataError(f"this state has a value of an unknown sort, {code}")
    return _READERS[code](data)


def _array(data: memoryview) -> Any:
    text, shape, raw = msgspec.msgpack.decode(data, type=tuple[str, list[int], bytes])
    dtype = np.dtype(text)
    if dtype.kind not in _KINDS:
        raise DataError(f"this state has an array of {text}, which is never written")
    if prod(shape) * dtype.itemsize != len(raw):
        raise DataError(f"this state has {len(raw)} bytes for an array of {text}, shape {shape}")
    return np.ndarray(shape, dtype, raw).copy()


_READERS: dict[int, Callable[[memoryview], Any]] = {
    _ARRAY: _array,
    _SCALAR: lambda data: _array(data)[()],
    _TUPLE: lambda data: tuple(msgspec.msgpack.decode(data, ext_hook=_revived)),
    _BIG: lambda data: int.from_bytes(data, "little", signed=True),
}
