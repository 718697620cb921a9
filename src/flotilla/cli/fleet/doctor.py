"""`flotilla fleet doctor`: what the machine can do, what is wrong with the file, and what to mend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from flotilla.cli import say
from flotilla.cli.arguments import Json
from flotilla.cli.fleet import checkup
from flotilla.cli.fleet.checkup import BAD, FINE, Checked
from flotilla.cli.fleet.find import FoundFleet, Which, find_fleet
from flotilla.errors import ConfigError
from flotilla.fleet import schedule
from flotilla.fleet.alerts.send import send_test
from flotilla.fleet.folder import Folder, run_folder_of
from flotilla.fleet.spec import FleetSpec, read_fleet
from flotilla.words import counted

_SIGNS = {"fine": ("ok  ", "green"), "warn": ("warn", "yellow"), "bad": ("BAD ", "bold red")}


def doctor(
    config: Annotated[Path | None, Parameter(help="A fleet file; by default the fleet that is here.")] = None,
    /,
    *,
    test_alert: Annotated[bool, Parameter(help="Send a test message to every address.")] = False,
    fleet: Which = None,
    json: Json = False,
) -> int:
    """Check the machine, the file and the run folder; exit code 1 if something is bad."""
    findings = checkup.machine()
    spec, folder, file, told = _file(config, fleet)
    findings += told
    if folder is not None:
        findings += checkup.run_folder(folder)
    if spec is not None:
        findings += checkup.needs_of(spec)
    if test_alert:
        findings.append(_alert(spec, file))
    if json:
        say.show_json([finding._asdict() for finding in findings])
    else:
        tell(findings)
    return 1 if any(finding.verdict == BAD for finding in findings) else 0


def tell(findings: list[Checked]) -> None:
    """Print what was found, and how to mend what is not as it should be."""
    widest = max(len(finding.what) for finding in findings)
    for finding in findings:
        sign, style = _SIGNS[finding.verdict]
        say.show(Text.assemble((sign, style), "  ", (finding.what.ljust(widest), "bold"), "  ", finding.seen))
        if finding.mend and finding.verdict != FINE:
            say.show(Text(f"      {' ' * widest}  {finding.mend}"))


def _file(
    config: Path | None, which: str | None
) -> tuple[FleetSpec | None, Folder | None, Path | None, list[Checked]]:
    """Return the fleet of a file, or the one that is here, and whether its file can be read."""
    found: FoundFleet | None = None
    if config is None:
        try:
            found = find_fleet(which)
            config = found.origin
        except ConfigError as error:
            if which:
                raise
            return None, None, None, [Checked("fleet", "warn", "none is here", str(error))]
    try:
        spec = read_fleet(config)
        schedule.check(spec, str(config))
    except ConfigError as error:
        return (
            None,
            found.folder if found else None,
            config,
            [Checked("file", BAD, str(error), f"mend {config}")],
        )
    folder = found.folder if found else Folder(run_folder_of(config, spec.name))
    return (
        spec,
        folder,
        config,
        [Checked("file", FINE, f"{config}: {counted(len(spec.platforms), 'platform')}")],
    )


def _alert(spec: FleetSpec | None, file: Path | None) -> Checked:
    """Send a test message to every address of the file."""
    if spec is None or spec.monitoring.alerts is None or file is None:
        mend = "see monitoring.alerts in docs/fleet.md"
        return Checked("test alert", "warn", "the file names nobody to tell", mend)
    text = f"{spec.name}: if you read this, alerts arrive"
    went = send_test(spec.monitoring.alerts, file.resolve().parent, text)
    told = ", ".join(f"{each.target}: {each.what}" for each in went)
    return Checked("test alert", FINE if all(each.ok for each in went) else BAD, told, "mend the address")
