"""A run on disk: its folder, and what stands in it.

    <folder>/run.json            what is run; written once, read by every role
    <folder>/decisions.*         the risk decisions that its portfolio heeds, if there is a table
    <folder>/bars.db             the feed's log: bars
    <folder>/signals-<name>.db   a strategy's: its signals, its state
    <folder>/orders.db           execution's: orders before they leave, fills before they are told
    <folder>/gateway.db          the paper broker's own: each order that it took
    <folder>/portfolio.db        the portfolio's: its account after each bar, its state
    <folder>/logs/<role>.log     what each process printed
    <folder>/ipc/                the sockets; elsewhere if the path would be too long for one

All of it has mode 0700. Every log has one writer (stream/log.py).
"""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, date, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from flotilla.config import RunConfig, as_dict, decode
from flotilla.errors import ConfigError
from flotilla.model.panel import Panel
from flotilla.stream.decisions import read_decisions
from flotilla.stream.files import write_atomically
from flotilla.stream.panels import get_panel, put_panel
from flotilla.stream.table import Store

VERSION = 5
FILE = "run.json"
_ROOM = 60  # bytes of a socket's path that its folder may take: names of streams are up to 40 long


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What run.json says."""

    version: int
    config: dict[str, Any]
    plugins: str | None  # folder where the user's own files are looked for first
    store: str  # root of the store that holds the panel
    panel: str  # identity
    instruments: tuple[str, ...]
    fields: tuple[str, ...]  # of a bar, in the order of its values
    first: int  # row of the panel where the run begins; the rows before are history
    bars: int  # how many there are to replay
    speed: float | None  # bars a second; None is as fast as the slowest role
    gateway: str
    decisions: str | None  # hash of the table of risk decisions, which is kept beside this file
    sockets: str


class Run:
    """A run's folder, as a role sees it."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest
        self.config: RunConfig = decode(manifest.config, str(folder / FILE))
        self.portfolio_id = self.config.name

    @classmethod
    def read(cls, folder: Path) -> Run:
        """Return the run in `folder`; `ConfigError` where there is none that we can read."""
        try:
            manifest = msgspec.json.decode((folder / FILE).read_bytes(), type=Manifest)
        except OSError as error:
            raise ConfigError(f"{folder / FILE}: {error.strerror}") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{folder / FILE}: {error}") from error
        if manifest.version != VERSION:
            raise ConfigError(f"{folder / FILE} has version {manifest.version}, and this reads {VERSION}")
        return cls(folder, manifest)

    @property
    def plugins(self) -> Path | None:
        """Return the folder where the user's own files are looked for first."""
        return None if self.manifest.plugins is None else Path(self.manifest.plugins)

    @property
    def decisions(self) -> Path | None:
        """Return the run's own copy of its table of risk decisions, if it heeds one."""
        table = self.config.portfolio.decisions
        return None if table is None else self.folder / f"decisions{Path(table).suffix}"

    @property
    def strategies(self) -> tuple[str, ...]:
        """Return the strategies' names, in the order that signals are fused in."""
        return tuple(self.config.strategies)

    @property
    def shape(self) -> tuple[int, int]:
        """Return (F, I) of a bar's values."""
        return len(self.manifest.fields), len(self.manifest.instruments)

    def log(self, name: str) -> Path:
        """Return the path of a log."""
        return self.folder / f"{name}.db"

    def endpoint(self, name: str) -> str:
        """Return where a stream's socket is, in a folder that is made if need be."""
        Path(self.manifest.sockets).mkdir(mode=0o700, exist_ok=True)
        return f"ipc://{self.manifest.sockets}/{name}"

    def panel(self) -> Panel:
        """Return the panel that the run replays, history included."""
        return get_panel(Store(Path(self.manifest.store)), self.manifest.panel)


def prepare(
    folder: Path,
    config: RunConfig,
    panel: Panel,
    store: Store,
    *,
    plugins: Path | None = None,
    speed: float | None = None,
    gateway: str = "paper",
) -> Run:
    """Make the folder of a run that replays `panel` from the day that its portfolio begins.

    If that run is there already it is returned as it is, to go on with; `ConfigError` if it
    is another.
    """
    if config.sweep:
        raise ConfigError("$.sweep: a live run is of one portfolio; choose one of the sweep first")
    decisions = _decisions(config, plugins)
    first = _first_row(panel, config.portfolio.start)
    manifest = Manifest(
        version=VERSION,
        config=as_dict(config),
        plugins=str(plugins.absolute()) if plugins else None,
        store=str(store.folder.parent.absolute()),
        panel=panel.identity,
        instruments=panel.instruments,
        fields=tuple(panel.fields),
        first=first,
        bars=len(panel.ts_event) - first,
        speed=speed,
        gateway=gateway,
        decisions=blake2b(decisions, digest_size=16).hexdigest() if decisions else None,
        sockets="",
    )
    if (folder / FILE).exists():
        found = Run.read(folder)
        # As they are written: a tuple in the configuration is a list in the file.
        # How fast it is played is not part of what it is.
        there, wanted = (
            msgspec.json.encode(msgspec.structs.replace(m, sockets="", speed=None))
            for m in (found.manifest, manifest)
        )
        if there != wanted:
            raise ConfigError(f"{folder} holds another run; choose another name, or remove it")
        if speed != found.manifest.speed:
            found = Run(folder, msgspec.structs.replace(found.manifest, speed=speed))
            write_atomically(folder / FILE, msgspec.json.format(msgspec.json.encode(found.manifest)))
        return found
    put_panel(store, panel)
    return _written(folder, manifest, decisions)


def _written(folder: Path, manifest: Manifest, decisions: bytes) -> Run:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    run = Run(folder, msgspec.structs.replace(manifest, sockets=str(_sockets_for(folder))))
    if run.decisions:
        write_atomically(run.decisions, decisions)  # as it is now, whatever becomes of the user's file
    write_atomically(folder / FILE, msgspec.json.format(msgspec.json.encode(run.manifest)))
    return run


def _decisions(config: RunConfig, plugins: Path | None) -> bytes:
    """Return the content of the table of risk decisions, checked; nothing where there is none."""
    if config.portfolio.decisions is None:
        return b""
    path = (plugins or Path()) / config.portfolio.decisions
    read_decisions(path)
    return path.read_bytes()


def _first_row(panel: Panel, start: date | None) -> int:
    """Return the row of the first bar that trades."""
    first = 0 if start is None else int(np.searchsorted(panel.ts_event, _midnight(start)))
    if first == len(panel.ts_event):
        raise ConfigError(f"$.portfolio.start: the data ends before {start}")
    return first


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000_000


def _sockets_for(folder: Path) -> Path:
    """Return the folder for the run's sockets: inside its own, if that path is short enough."""
    inside = folder.absolute() / "ipc"
    if len(os.fsencode(inside)) <= _ROOM:
        return inside
    # Who was there first, if it is not us, is found out: a socket is opened in no folder but our own.
    place = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    digest = blake2b(os.fsencode(inside), digest_size=6).hexdigest()
    return Path(place) / f"flotilla-{os.geteuid()}-{digest}"
