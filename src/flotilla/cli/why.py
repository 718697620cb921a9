"""`flotilla why`: from an order back to the bars behind it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from flotilla.cli import say
from flotilla.cli.run import simulated
from flotilla.errors import ConfigError
from flotilla.live.folder import FILE, Run
from flotilla.live.result import read_result
from flotilla.research import Why, lines, why_of
from flotilla.research import why as why_in
from flotilla.research.runs import Kept, find, live_folder_of


def why(order_id: str, /, *, run: Path | None = None, json: bool = False) -> None:
    """Say why an order or a fill is there: signals, features, risk decisions, prices.

    It knows the orders of `run`, of `sweep`'s and `report`'s best, and of `live`.
    """
    kept = find(order_id, run)
    recorded = _recorded(order_id, kept)
    chain = recorded or _simulated(order_id, kept)
    where = f"as live recorded it in {live_folder_of(kept.config.name)}" if recorded else "in research"
    if json:
        say.show_json({"where": "live" if recorded else "research", **chain.as_dict()})
    else:
        say.show("\n".join(lines(chain)))
        say.note(where)


def _simulated(order_id: str, kept: Kept) -> Why:
    """Return the chain behind an order, out of research's whole run."""
    return why_in(simulated(kept.config, kept.plugins), order_id, kept.plugins)


def _recorded(order_id: str, kept: Kept) -> Why | None:
    """Return the chain behind an order that live wrote down; None where it did not, or ran something else."""
    folder = live_folder_of(kept.config.name)
    try:
        if not (folder / FILE).is_file() or (live := Run.read(folder)).config != kept.config:
            return None
    except ConfigError:  # of a version that this one cannot read: research has the order all the same
        return None
    config, result = kept.config, read_result(folder)
    if live.decisions:  # as they were when it began, whatever became of the user's file
        terms = msgspec.structs.replace(config.portfolio, decisions=str(live.decisions.absolute()))
        config = msgspec.structs.replace(config, portfolio=terms)
    if order_id not in {*(o.order_id for o in result.orders), *(f.fill_id for f in result.fills)}:
        return None
    return why_of(config, order_id, result.orders, result.fills, kept.plugins, live.panel())
