"""Tables on disk, named by what they are: equal identity, equal table, computed once.

    <root>/store/<identity>/table.arrow    Arrow IPC, not compressed: read by mapping it
    <root>/store/<identity>/recipe.json    what it is made of, its size and its checksum

1. `identity_of` names a table by its kind, code, parameters and inputs.
2. `put` writes both files into a folder beside, waits for the disk, and renames the folder.
   So a table is there whole or not at all, and of two writers of one identity either wins.
3. `get` reads every byte and compares it with the checksum, then maps the table; a disk may give back other
   bytes than it was given. `take` is for who can compute it anew: a damaged one is put away, and said.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Any
from uuid import uuid4
from zlib import crc32

import msgspec
import numpy as np
import pyarrow as pa

from flotilla.clock import now_ns
from flotilla.errors import ConfigError, DataError, StreamError, UnknownName
from flotilla.stream.files import sync_folder

LOG = logging.getLogger(__name__)
FORMAT = 2
DATA, RECIPE = "table.arrow", "recipe.json"
DAMAGED = "damaged"  # the kind of a table whose recipe cannot be read
_PARTIAL = ".partial-"
_ABANDONED_NS = 86_400_000_000_000  # a folder this old belongs to a writer that died
_IDENTITY = re.compile(r"[0-9a-f]{8,128}")
_BLOCK = 1 << 20


class Stored(msgspec.Struct, frozen=True):
    """What is known of a stored table without reading it."""

    identity: str
    kind: str
    rows: int
    bytes: int  # of the data file
    created_ns: int  # UTC
    recipe: dict[str, Any]
    checksum: str = ""  # CRC-32 of the data file, hex
    seal: str = ""  # CRC-32 of all the rest of this, hex
    format: int = FORMAT


def home() -> Path:
    """Return the folder that everything is kept in: $FLOTILLA_HOME, or .flotilla right here."""
    return Path(os.environ.get("FLOTILLA_HOME") or ".flotilla")


def identity_of(kind: str, code: str, params: Mapping[str, Any], inputs: Sequence[str]) -> str:
    """Return the name of what `code` makes of `params` and `inputs`: 32 hex digits.

    The order of params does not count, that of inputs does. 1, 1.0 and True are three values;
    a tuple is a list. TypeError where a parameter is not a plain value.
    """
    canonical = _canonical({"kind": kind, "code": code, "params": params, "inputs": list(inputs)})
    return blake2b(msgspec.json.encode(canonical), digest_size=16).hexdigest()


class Store:
    """The tables of one folder; `root` is `home()` unless given. Safe for many processes at once."""

    def __init__(self, root: Path | None = None) -> None:
        self.folder = (root or home()) / "store"

    def put(self, identity: str, table: pa.Table, recipe: Mapping[str, Any]) -> Stored:
        """Keep a table and return what is now stored; if it is there already nothing is written.

        recipe: what it was made of, in plain values; its "kind" is the kind that lists show.
        """
        final = self._path(identity)
        if final.exists():
            return self._stored(identity)
        partial = self.folder / f"{_PARTIAL}{uuid4().hex}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial.mkdir(mode=0o700)
            stored = _write(partial, identity, table, recipe)
            _commit(partial, final)
        except OSError as error:
            raise StreamError(f"{final} cannot be written: {error.strerror}") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            self._sweep()
        return stored

    def get(self, identity: str) -> pa.Table | None:
        """Return a table, mapped, its bytes checked; None if it is not there. DataError if it is damaged."""
        if not self.has(identity):
            return None
        stored = self._stored(identity)
        path = self._path(identity) / DATA
        try:
            if path.stat().st_size != stored.bytes:
                raise self._damage(identity, f"it has {path.stat().st_size} bytes and had {stored.bytes}")
            if _checksum(path) != stored.checksum:
                raise self._damage(identity, "its bytes are not those that were written")
            table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
            table.validate()
        except (pa.ArrowException, OSError) as error:
            raise self._damage(identity, str(error)) from error
        if table.num_rows != stored.rows:
            raise self._damage(identity, f"it has {table.num_rows} rows and had {stored.rows}")
        return table

    def take(self, identity: str) -> pa.Table | None:
        """Return a table; None if it is not there, or is damaged: then that is logged, and it is put away.

        For who computes it anew. Where it cannot be put away it stays, and is never used.
        """
        try:
            return self.get(identity)
        except DataError as error:
            LOG.warning("%s; it is computed anew", str(error).partition("\n")[0])
        try:
            self._put_away(identity)
        except OSError as error:
            LOG.warning("%s cannot be removed: %s", self._path(identity), error.strerror)
        return None

    def has(self, identity: str) -> bool:
        """Say whether a table of this identity is there."""
        return self._path(identity).is_dir()

    def list(self) -> Sequence[Stored]:
        """Return what is stored, oldest first. A damaged table is listed as such."""
        return sorted(map(self._listed, self._identities()), key=lambda s: (s.created_ns, s.identity))

    def remove(self, prefix: str) -> Stored:
        """Forget the one table whose identity begins with `prefix`, and return what it was."""
        identity = self._one(prefix)
        stored = self._listed(identity)
        self._put_away(identity)
        return stored

    def _put_away(self, identity: str) -> None:
        gone = self.folder / f"{_PARTIAL}{uuid4().hex}"
        with suppress(FileNotFoundError):  # somebody else was first
            self._path(identity).rename(gone)  # at once: nobody finds half of it
            shutil.rmtree(gone)

    def verify(self, prefix: str = "") -> Sequence[Stored]:
        """Read every byte of the tables whose identity begins with `prefix`, and return them.

        DataError names all that are not as they were written.
        """
        found, damage = [], []
        for identity in self._identities():
            if identity.startswith(prefix):
                try:
                    found.append(self._verified(identity))
                except DataError as error:
                    damage.append(str(error))
        if damage:
            raise DataError("\n".join(damage))
        if not found and prefix:
            raise UnknownName("stored table", prefix, self._identities())
        return found

    def _verified(self, identity: str) -> Stored:
        self.get(identity)
        return self._stored(identity)

    def _path(self, identity: str) -> Path:
        if not _IDENTITY.fullmatch(identity):
            raise ConfigError(f"{identity!r} is not an identity: those are hex digits")
        return self.folder / identity

    def _identities(self) -> Sequence[str]:
        if not self.folder.is_dir():
            return []
        return sorted(path.name for path in self.folder.iterdir() if _IDENTITY.fullmatch(path.name))

    def _one(self, prefix: str) -> str:
        found = [identity for identity in self._identities() if prefix and identity.startswith(prefix)]
        if not found:
            raise UnknownName("stored table", prefix, self._identities())
        if len(found) > 1:
            raise ConfigError(f"{prefix} could be any of {', '.join(found)}")
        return found[0]

    def _stored(self, identity: str) -> Stored:
        path = self._path(identity) / RECIPE
        try:
            stored = msgspec.json.decode(path.read_bytes(), type=Stored)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._damage(identity, f"its recipe cannot be read: {error}") from error
        if stored.identity != identity or stored.format != FORMAT:
            raise self._damage(identity, f"its recipe is of {stored.identity}, format {stored.format}")
        if stored.seal != _seal(stored):
            raise self._damage(identity, "its recipe is not what was written")
        return stored

    def _listed(self, identity: str) -> Stored:
        try:
            return self._stored(identity)
        except DataError:
            size = sum(path.stat().st_size for path in self._path(identity).glob("*"))
            return Stored(identity, DAMAGED, 0, size, 0, {})

    def _damage(self, identity: str, what: str) -> DataError:
        path = self._path(identity)
        return DataError(
            f"{path} is damaged: {what}\n    mend: flotilla stages rm {identity[:12]}; run again"
        )

    def _sweep(self) -> None:
        """Remove what writers that were killed have left."""
        for path in self.folder.glob(f"{_PARTIAL}*"):
            try:
                abandoned = now_ns() - path.stat().st_mtime_ns > _ABANDONED_NS
            except FileNotFoundError:  # its writer is done
                continue
            if abandoned:
                shutil.rmtree(path, ignore_errors=True)


def _write(folder: Path, identity: str, table: pa.Table, recipe: Mapping[str, Any]) -> Stored:
    """Write both files and wait until the disk has them."""
    table = table.unify_dictionaries().combine_chunks()  # one piece: its columns map as arrays
    with (folder / DATA).open("wb") as file:
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        file.flush()
        os.fsync(file.fileno())
        size = file.tell()
    stored = Stored(
        identity,
        str(recipe.get("kind", "")),
        table.num_rows,
        size,
        now_ns(),
        dict(recipe),
        _checksum(folder / DATA),
    )
    stored = msgspec.structs.replace(stored, seal=_seal(stored))
    with (folder / RECIPE).open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(stored)))
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)
    return stored


def _commit(partial: Path, final: Path) -> None:
    try:
        partial.rename(final)
    except OSError:
        if not final.is_dir():
            raise
        return  # another writer of the same table was first
    sync_folder(final.parent)


def _checksum(path: Path) -> str:
    # CRC-32 goes through 2 GB a second, six times what blake2b does, so that each reader can afford it.
    crc = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            crc = crc32(block, crc)
    return f"{crc:08x}"


def _seal(stored: Stored) -> str:
    return f"{crc32(msgspec.json.encode(msgspec.structs.replace(stored, seal=''))):08x}"


def _canonical(value: Any) -> Any:
    """Return plain values of which equal ones, and only those, are equal JSON."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"float": value.hex()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, list | tuple):
        return [_canonical(part) for part in value]
    if isinstance(value, Mapping):
        return {"map": sorted(_pairs(value))}
    raise TypeError(f"{value!r} is not a plain value, so it has no identity")


def _pairs(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if not isinstance(key, str):
            raise TypeError(f"the key {key!r} is no text, so it has no identity")
        yield key, _canonical(value)
