"""What is simulated, prepared in one place: a configuration, its bars, and its strategies' code.

`run`, `sweep` and `why` are drivers of a Study; none of them opens a file, asks a source or looks a strategy
up by itself, so all of them simulate the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from flotilla.config import RunConfig, check_plugins, read
from flotilla.errors import ConfigError, UnknownName
from flotilla.model.panel import Panel
from flotilla.plugins import names
from flotilla.portfolio.market import Market
from flotilla.research.configure import Strategy, configure
from flotilla.research.identity import identity_of_run
from flotilla.research.look import RunLook
from flotilla.research.market import market_for, panel_for, remarks_of
from flotilla.research.signals import Stages, Target, targets_of, trees_of
from flotilla.stage.expression import Node
from flotilla.stage.lanes import Swept
from flotilla.stage.window import Stage
from flotilla.stream.table import Store
from flotilla.words import cut


class Study(NamedTuple):
    """A configuration with all that it names."""

    config: RunConfig
    folder: Path | None  # where the user's own files are looked for first
    panel: Panel  # cut to the days and instruments that the configuration asks for
    targets: Mapping[str, Target]  # strategy -> its callable

    def with_config(self, config: RunConfig) -> Study:
        """Return the study of other parameters, of the same strategies on the same bars."""
        return self._replace(config=config)

    def market(self) -> Market:
        """Return the rows that its portfolios trade on."""
        return market_for(self.panel, self.config.portfolio, self.config.name, self.folder)

    def stages(self, market: Market, store: Store | None) -> Stages:
        """Return the Python stages on these rows. store: where theirs are kept; None computes them anew."""
        return Stages(market.panel, market.fields, store, self.folder)

    def trees(self) -> dict[str, Node]:
        """Return each strategy's tree, of a configuration without a sweep."""
        return trees_of(self.config, self.targets)

    def identity(self, trees: Iterable[Swept]) -> str:
        """Return the name of the result: equal names are equal bits. trees: what the strategies built."""
        return identity_of_run(self.config, self.panel, trees, self.folder)

    def remarks(self) -> tuple[str, ...]:
        """Return what a reader of a result must know of its data and risk decisions, a sentence each."""
        return remarks_of(self.config, self.panel, self.folder)


def study_of(config: RunConfig, folder: Path | None = None, panel: Any = None) -> Study:
    """Return the study of a configuration that was checked. panel: bars in place of its source."""
    return Study(config, folder, panel_for(config, folder, panel), targets_of(config, folder))


def opened(
    config: RunConfig | Path | Strategy, folder: Path | None, asked: Mapping[str, Any] | None = None
) -> tuple[RunConfig, Path | None]:
    """Return a configuration, read if it is a path, and the folder of the user's own files. It is checked.

    A strategy, by its name or as it is, is configured with the keywords `asked`.
    """
    folder = plugin_folder(folder)
    if (
        isinstance(config, str)
        and not Path(config).exists()
        and (config in names("strategy") or ":" in config)
    ):
        return configure(config, folder=folder, **asked or {}), folder
    if not isinstance(config, RunConfig | str | Path):
        if not (callable(config) or isinstance(config, Node | Stage | list | Mapping)):
            raise ConfigError(
                f"what is run is a configuration, its path or a strategy, not {cut(config)}{_instead(config)}"
            )
        return configure(config, folder=folder, **asked or {}), folder
    if asked:
        raise ConfigError(f"{', '.join(asked)}: a configuration says that itself; give them to configure()")
    if isinstance(config, RunConfig):
        return check_plugins(config, config.name, folder), folder
    path = Path(config)
    known = names("strategy")
    if not path.suffix and len(path.parts) == 1 and not path.exists() and str(path) not in known:
        raise UnknownName("file, and no strategy,", str(config), known)
    return read(path), folder or path.parent


def check_store(store: Any) -> None:
    """Raise ConfigError where something else stands in the place of a store."""
    if not isinstance(store, Store | None):
        raise ConfigError(f"store should be a Store of flotilla.stream.table, as Store(), it is {cut(store)}")


def _instead(given: Any) -> str:
    """Return what to write where something else is run, as the end of a message."""
    if isinstance(given, RunLook):
        return "; it was run already: run(result.config) does it again"
    if hasattr(given, "config_of"):
        return "; one portfolio of a sweep is swept.result(number)"
    if isinstance(given, Panel):
        return "; bars come second: run(strategy, panel)"
    return "; bars come second: run(strategy, panel_from(frame))" if hasattr(given, "shape") else ""


def plugin_folder(folder: Any) -> Path | None:
    """Return the folder of the user's own files; ConfigError where something else stands in its place."""
    if isinstance(folder, Panel) or not isinstance(folder, str | Path | None):
        meant = "panel=panel" if isinstance(folder, Panel) else "panel=panel_from(frame)"
        more = f"; bars are given by name, {meant}" if hasattr(folder, "shape") else ""
        raise ConfigError(f"folder should be the path of a folder, it is {cut(folder)}{more}")
    return None if folder is None else Path(folder)
