"""`flotilla fleet plan | reload`: what changed in the file, and taking it up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

from cyclopts import Parameter
from rich.text import Text

from flotilla import door
from flotilla.cli import say
from flotilla.cli.arguments import Json
from flotilla.cli.fleet import show
from flotilla.cli.fleet.act import WAIT_S
from flotilla.cli.fleet.agree import agree
from flotilla.cli.fleet.find import FoundFleet, ReasonOption, Which, Yes, find_fleet
from flotilla.cli.fleet.settle import News, not_up, settled
from flotilla.errors import ConfigError
from flotilla.fleet import schedule
from flotilla.fleet.folder import Folder, run_folder_of
from flotilla.fleet.rules.plan import ReloadPlan, refusal, reload_plan
from flotilla.fleet.spec import FleetSpec, graph, read_fleet
from flotilla.words import counted

Config = Annotated[
    Path | None, Parameter(help="The fleet file; by default the one that the fleet was started from.")
]

_REFUSED = 2  # the exit code of a ConfigError


class _Compared(NamedTuple):
    fleet: FoundFleet
    file: Path
    plan: ReloadPlan


def plan(config: Config = None, /, *, fleet: Which = None, json: Json = False) -> int:
    """Show what a reload would change, or `up` start where it was never up, and change nothing."""
    if config and not fleet and (new := _never_up(config)):
        _tell_start(new, json)
        return 0
    changes = _compare(config, fleet).plan
    if json:
        say.show_json(changes)
    else:
        tell(changes)
    refused = refusal(changes)
    if refused and not json:
        raise ConfigError(refused)
    return _REFUSED if refused else 0


def reload(
    config: Config = None,
    /,
    *,
    yes: Yes = False,
    why: ReasonOption = "",
    fleet: Which = None,
    json: Json = False,
) -> int:
    """Take up what changed in the fleet's file; what did not change keeps running."""
    compared = _compare(config, fleet)
    changes = compared.plan
    if refused := refusal(changes):
        raise ConfigError(refused)
    if not json:
        tell(changes)
    if changes.empty:
        if json:
            say.show_json({"reloaded": False, "plan": changes})
        return 0
    if changes.removed or changes.restarts:
        words = f"{len(changes.removed)} would stop and {len(changes.restarts)} start again"
        if not json:
            say.note(words)
        agree(words, yes, json)
    found = compared.fleet
    news = News(found)
    answer = found.client(deadline_s=30.0).ask("reload", why=why, data={"file": str(compared.file.resolve())})
    status = settled(found, [*changes.added, *changes.changed], WAIT_S, news=None if json else news)
    mine = {*changes.added, *changes.changed}
    wrong = [one for one in not_up(status, read_fleet(compared.file)) if one.name in mine] if status else []
    if json:
        say.show_json({"reloaded": True, "plan": changes, "answer": answer})
    elif status:
        say.show(show.headline(status), *map(show.sentence, wrong))
    return 1 if wrong or status is None else 0


def tell(changes: ReloadPlan) -> None:
    """Print what a reload would do."""
    if changes.empty:
        many = len(changes.unchanged)
        say.show(
            f"nothing changes: {counted(many, 'platform')} {'is' if many == 1 else 'are'} as the file says"
        )
        return
    for name in changes.added:
        say.show(Text.assemble(("+ ", "bold green"), (name, "bold"), "  starts"))
    for name in changes.removed:
        say.show(Text.assemble(("- ", "bold red"), (name, "bold"), "  stops, and is forgotten"))
    for name, keys in changes.changed.items():
        what = "starts again" if name in changes.restarts else "keeps running"
        say.show(Text.assemble(("~ ", "bold yellow"), (name, "bold"), f"  {what}: {', '.join(keys)}"))
    if changes.fleet:
        say.show(Text.assemble(("~ ", "bold yellow"), "the fleet  ", ", ".join(changes.fleet)))
    say.show(f"{len(changes.unchanged)} unchanged")


def _never_up(file: Path) -> FleetSpec | None:
    """Return the fleet of a file, None if it was up at some time. ConfigError if it could not come up."""
    raw = door.read(file)
    name = raw.get("name") if isinstance(raw, dict) else None
    if isinstance(name, str) and Folder(run_folder_of(file, name)).fleet_file.exists():
        return None
    new = read_fleet(file)
    schedule.check(new, str(file))
    return new


def _tell_start(new: FleetSpec, json: bool) -> None:
    order = graph.levels(new.needs)
    hours = [name for name, platform in new.platforms.items() if platform.schedule]
    if json:
        say.show_json({"starts": order, "in_their_hours": hours})
        return
    say.show(
        Text.assemble(f"{new.name} was never up; `up` starts: ", show.order(order, tuple(new.platforms)))
    )
    if hours:
        say.show(f"in their hours alone: {', '.join(hours)}")


def _compare(config: Path | None, which: str | None) -> _Compared:
    found = find_fleet(which or (str(config) if config else None))
    file = config or found.origin
    new = read_fleet(file)
    if new.name != found.name:
        raise ConfigError(f"{file}: $.name: it is the fleet {new.name}, and {found.name} runs")
    schedule.check(new, str(file))
    return _Compared(found, file, reload_plan(found.spec(), new))
