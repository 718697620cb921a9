"""A run on disk: its folder, and what stands in it.

    <folder>/run.json            what is run; written once, read by every role
    <folder>/decisions-<id>.*    the risk decisions that a portfolio heeds, if it names a table
    <folder>/bars.db             the feed's log: bars
    <folder>/signals-<name>.db   a strategy's: its signals, its state
    <folder>/orders.db           execution's: orders before they leave, fills before they are told
    <folder>/gateway.db          the paper broker's own: each order that it took
    <folder>/portfolio.db        the portfolios': their accounts after each bar, their state
    <folder>/logs/<role>.log     what each process printed
    <folder>/ipc/                the sockets; elsewhere if the path would be too long for one

All of it has mode 0700. Every log has one writer (stream/log.py).
"""

from __future__ import annotations

import os
import tempfile
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from flotilla.config import RunConfig, as_dict, decode
from flotilla.errors import ConfigError
from flotilla.live.roles import LiveRole, LogStream, RoleProcess, processes
from flotilla.model.panel import Panel
from flotilla.portfolio.market import first_row
from flotilla.stream.decisions import read_decisions
from flotilla.stream.files import write_atomically
from flotilla.stream.log import Durability, LogReader, LogWriter
from flotilla.stream.panels import get_panel, put_panel
from flotilla.stream.table import Store

VERSION = 6
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
    decisions: dict[str, str]  # portfolio -> hash of its table of risk decisions, kept beside this file
    sockets: str


class Run:
    """A run's folder, as a role sees it."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest
        self.config: RunConfig = decode(manifest.config, str(folder / FILE))
        self.portfolios = self.config.each()  # by their ids: what each of them is

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
    def name(self) -> str:
        """Return what it is called: as its portfolio, where it is one alone."""
        return self.config.name

    def decisions(self, portfolio_id: str) -> Path | None:
        """Return the run's own copy of a portfolio's table of risk decisions, if it heeds one."""
        table = self.portfolios[portfolio_id].portfolio.decisions
        return None if table is None else self.folder / f"decisions-{portfolio_id}{Path(table).suffix}"

    @property
    def strategies(self) -> tuple[str, ...]:
        """Return the strategies' names, in the order that signals are fused in."""
        return tuple(self.config.strategies)

    @property
    def shape(self) -> tuple[int, int]:
        """Return (F, I) of a bar's values."""
        return len(self.manifest.fields), len(self.manifest.instruments)

    @property
    def processes(self) -> list[RoleProcess]:
        """Return its processes."""
        return processes(self.strategies)

    def log(self, name: str) -> Path:
        """Return the path of a log."""
        return self.folder / f"{name}.db"

    def reader(self, stream: LogStream, of: str = "") -> LogReader:
        """Return who reads a stream's log. of: the strategy, of a log that each has."""
        return LogReader(self.log(stream.log.format(of)), stream.name)

    def writer(self, role: LiveRole, of: str = "", durability: Durability = "full") -> LogWriter:
        """Return who writes a role's log: there is one at a time."""
        names = [stream.name for stream in role.writes]
        return LogWriter(self.log(role.log.format(of)), names, durability=durability, once=True)

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
    """Make the folder of a run that replays `panel` from the day that its portfolios begin.

    If that run is there already it is returned as it is, to go on with; `ConfigError` if it
    is another.
    """
    if config.sweep:
        raise ConfigError("$.sweep: portfolios of a sweep do not trade; choose one of them first")
    decisions = _decisions(config, plugins)
    first = _first_row(panel, config)
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
        decisions={name: blake2b(table, digest_size=16).hexdigest() for name, table in decisions.items()},
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


def _written(folder: Path, manifest: Manifest, decisions: dict[str, bytes]) -> Run:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    run = Run(folder, msgspec.structs.replace(manifest, sockets=str(_sockets_for(folder))))
    for name, table in decisions.items():
        if path := run.decisions(name):
            write_atomically(path, table)  # as it is now, whatever becomes of the user's file
    write_atomically(folder / FILE, msgspec.json.format(msgspec.json.encode(run.manifest)))
    return run


def _decisions(config: RunConfig, plugins: Path | None) -> dict[str, bytes]:
    """Return the content of each portfolio's table of risk decisions, checked; of those that heed one."""
    found = {}
    for name, one in config.each().items():
        if one.portfolio.decisions is not None:
            path = (plugins or Path()) / one.portfolio.decisions
            read_decisions(path)
            found[name] = path.read_bytes()
    return found


def _first_row(panel: Panel, config: RunConfig) -> int:
    """Return the row of the first bar that trades."""
    firsts = {name: first_row(panel, one.portfolio) for name, one in config.each().items()}
    if len(set(firsts.values())) > 1:
        days = ", ".join(f"{n} on {one.portfolio.start or 'the first'}" for n, one in config.each().items())
        raise ConfigError(f"$.portfolios: those of one live run begin together, and these do not: {days}")
    return next(iter(firsts.values()))


def _sockets_for(folder: Path) -> Path:
    """Return the folder for the run's sockets: inside its own, if that path is short enough."""
    inside = folder.absolute() / "ipc"
    if len(os.fsencode(inside)) <= _ROOM:
        return inside
    # Who was there first, if it is not us, is found out: a socket is opened in no folder but our own.
    place = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    digest = blake2b(os.fsencode(inside), digest_size=6).hexdigest()
    return Path(place) / f"flotilla-{os.geteuid()}-{digest}"
