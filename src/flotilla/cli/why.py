"""`flotilla why`: from an order back to the bars behind it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from flotilla.cli import say
from flotilla.cli.run import simulated
from flotilla.errors import ConfigError
from flotilla.live.folder import FILE, Run
from flotilla.live.result import read_results
from flotilla.research import Why, lines, why_of
from flotilla.research import why as why_in
from flotilla.research.runs import KeptRun, find_run


def why(order_id: str, /, *, run: Path | None = None, json: bool = False) -> None:
    """Say why an order or a fill is there: signals, features, risk decisions, prices.

    It knows the orders of `run`, of `sweep`'s and `report`'s best, and of `live`.
    """
    kept = find_run(order_id, run)
    recorded = _recorded(order_id, kept)
    chain = recorded or _simulated(order_id, kept)
    where = f"as live recorded it in {kept.live_folder}" if recorded else "in research"
    if json:
        say.show_json({"where": "live" if recorded else "research", **chain.as_dict()})
    else:
        say.show("\n".join(lines(chain)))
        say.note(where)


def _simulated(order_id: str, kept: KeptRun) -> Why:
    """Return the chain behind an order, out of research's whole run."""
    return why_in(simulated(kept.config, kept.plugins), order_id, kept.plugins)


def _recorded(order_id: str, kept: KeptRun) -> Why | None:
    """Return the chain behind an order that live wrote down; None where it did not, or ran something else."""
    config, folder = kept.config, kept.live_folder
    try:
        live = Run.read(folder) if (folder / FILE).is_file() else None
    except ConfigError:  # of a version that this one cannot read: research has the order all the same
        return None
    if live is None or live.portfolios.get(config.name) != config:
        return None
    result = read_results(live)[config.name]
    if decisions := live.decisions(config.name):  # as they were when it began, whatever became of the user's
        terms = msgspec.structs.replace(config.portfolio, decisions=str(decisions.absolute()))
        config = msgspec.structs.replace(config, portfolio=terms)
    if order_id not in {*(o.order_id for o in result.orders), *(f.fill_id for f in result.fills)}:
        return None
    return why_of(config, order_id, result.orders, result.fills, kept.plugins, live.panel())
