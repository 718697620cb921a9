"""What was run, kept so that `why` finds it by an order's id.

    <home>/runs/<portfolio_id>/run.json    the configuration of the portfolio, as it last ran
    <home>/runs/<name>/live/               a live run: logs, and a run.json of its own (live/folder.py)
    <home>/runs/<name>/report/             the last report of a configuration

No result is kept here: it follows from the configuration, and is computed again in a moment.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from flotilla.clock import now_ns
from flotilla.config import RunConfig, as_dict, decode, read
from flotilla.errors import ConfigError, UnknownName
from flotilla.model.ids import order_named
from flotilla.research.choice import one_of
from flotilla.stream.files import private_folder, write_atomically
from flotilla.stream.table import home

FILE = "run.json"
VERSION = 1


class _Record(msgspec.Struct, frozen=True):
    """What run.json says, of research and of live alike; the rest of it is for its own writer."""

    config: dict[str, Any]
    plugins: str | None  # folder where the user's own files are looked for first
    live: str | None = None  # the name of the live run that it was one of


class KeptRun(msgspec.Struct, frozen=True):
    """A portfolio that was run."""

    config: RunConfig
    plugins: Path | None
    live: str | None = None  # the name of the live run that it was one of; None: its own

    @property
    def live_folder(self) -> Path:
        """Return the folder of the live run that it is a part of, if there is one."""
        return live_folder_of(self.live or self.config.name)


def folder_of_run(name: str) -> Path:
    """Return the folder of a portfolio's, or a configuration's, runs."""
    return home() / "runs" / name


def made_folder_of(name: str) -> Path:
    """Make the folder of a portfolio's, or a configuration's, runs; return it. OSError if it cannot be."""
    folder = folder_of_run(name)
    for each in (folder.parent, folder):
        private_folder(each)
    return folder


def live_folder_of(name: str) -> Path:
    """Return the folder of a live run, of one portfolio or of several."""
    return folder_of_run(name) / "live"


def keep_run(config: RunConfig, plugins: Path | None, command: str, live: str | None = None) -> Path:
    """Write down that this portfolio was run, in place of an earlier one of its name; return the file.

    live: the name of the live run that it is one of.
    """
    path = made_folder_of(config.name) / FILE
    record = {
        "version": VERSION,
        "command": command,
        "created_ns": now_ns(),
        "config": as_dict(config),
        "plugins": str(plugins.absolute()) if plugins else None,
        "live": live,
    }
    write_atomically(path, msgspec.json.format(msgspec.json.encode(record)))
    return path


def kept_in(path: Path) -> KeptRun:
    """Return what a run.json says, or the one in a folder."""
    path = path / FILE if path.is_dir() else path
    try:
        record = msgspec.json.decode(path.read_bytes(), type=_Record)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not what a run leaves: {error}") from error
    plugins = Path(record.plugins) if record.plugins else None
    return KeptRun(decode(record.config, str(path)), plugins, record.live)


def find_run(order_id: str, where: Path | None) -> KeptRun:
    """Return the portfolio that an order belongs to.

    where: the YAML file that it came from, or the folder that its run left; None: what was run last under its
    name.
    """
    portfolio_id = order_named(order_id).portfolio_id
    if where is None:
        if not (folder_of_run(portfolio_id) / FILE).is_file():
            known = [path.parent.name for path in (home() / "runs").glob(f"*/{FILE}")]
            raise UnknownName("portfolio that was run here", portfolio_id, known)
        return kept_in(folder_of_run(portfolio_id))
    if where.suffix not in (".yaml", ".yml"):
        return kept_in(where)
    config, number = read(where), portfolio_id.rpartition("-")[2]
    several = config.each()
    if config.sweep and number.isdigit():
        config = one_of(config, int(number))
    elif portfolio_id in several:
        return KeptRun(several[portfolio_id], where.parent, config.name)
    if config.name != portfolio_id:
        raise ConfigError(f"the order is of {portfolio_id}, and {where} is of {config.name}")
    return KeptRun(config, where.parent)
