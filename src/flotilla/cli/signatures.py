"""What each command takes: its arguments and options, and no more.

They stand apart from what the commands do, which needs libraries that take a second or two to load: so that
`flotilla run --help`, and the answer to a mistyped option, need none of those. A command's doing is in the
module of its name, under its name, and is imported when it is called.
"""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from flotilla.cli.arguments import BenchmarkOption, Config, Json, Output, PortfolioOption

Prefix = Annotated[str, Parameter(help="The beginning of an identity, as long as only one begins so.")]

Instrument = Annotated[str | None, Parameter(help="Name of the only instrument, where no column says it.")]
Frequency = Annotated[str | None, Parameter(help="Length of a bar: 30s, 1m, 4h, 1d.")]
Zone = Annotated[str | None, Parameter(help="Where times without a zone were taken: America/New_York.")]
Unit = Annotated[str | None, Parameter(help="Of times that are numbers: s, ms, us or ns since 1970.")]
Separator = Annotated[str | None, Parameter(help="Between cells; else a comma.")]
Decimal = Annotated[str | None, Parameter(help="The decimal point; else a point.")]
DateFormat = Annotated[str | None, Parameter(help="Of dates whose day or month may come first: %d/%m/%Y.")]
Dialect = Annotated[str | None, Parameter(help="Whose file it is, where its shape does not say: yahoo, nse.")]
Encoding = Annotated[str | None, Parameter(help="Of the text: utf-8, latin-1, utf-16.")]

data = App(name="data", help="Show what is in data; say what is wrong with it.", help_format="plaintext")
stages = App(name="stages", help="List what is stored; remove it, verify it.", help_format="plaintext")


def demo(*, output: Output = None, json: Json = False) -> object:
    """Sweep, report and replay the configuration in the folder; put one there first if there is none."""
    return _do("demo", output=output, json=json)


def run(
    config: Config,
    /,
    *,
    portfolio: PortfolioOption = None,
    plan: Annotated[bool, Parameter(help="Show what would be computed, in which order.")] = False,
    benchmark: BenchmarkOption = None,
    full: Annotated[
        bool, Parameter(help="All statistics; with --json also all orders, fills and equity.")
    ] = False,
    json: Json = False,
) -> object:
    """Simulate one portfolio, and say what it came to beside buying and holding."""
    return _do("run", config, portfolio=portfolio, plan=plan, benchmark=benchmark, full=full, json=json)


def sweep(
    config: Config,
    /,
    *,
    top: Annotated[int, Parameter(help="How many of the best to show.")] = 10,
    workers: Annotated[int | None, Parameter(help="Threads; by default one a processor.")] = None,
    fresh: Annotated[bool, Parameter(help="Compute it although it is stored.")] = False,
    json: Json = False,
) -> object:
    """Simulate every portfolio of the configuration's sweep, and rank them."""
    return _do("sweep", config, top=top, workers=workers, fresh=fresh, json=json)


def report(
    config: Config,
    /,
    *,
    output: Output = None,
    portfolio: PortfolioOption = None,
    benchmark: BenchmarkOption = None,
    browse: Annotated[bool, Parameter(name="--open", help="Open it in a browser.")] = False,
    json: Json = False,
) -> object:
    """Write report.html, one page that needs nothing else, and report.json beside it."""
    return _do(
        "report", config, output=output, portfolio=portfolio, benchmark=benchmark, browse=browse, json=json
    )


def why(
    order_id: Annotated[str, Parameter(help="Id of an order or a fill, as reports and journals print it.")],
    /,
    *,
    run: Annotated[
        Path | None,
        Parameter(help="Where it is from: a YAML file or a run's folder; else the last run."),
    ] = None,
    json: Json = False,
) -> object:
    """Say why an order or a fill is there: signals, features, risk decisions, prices."""
    return _do("why", order_id, run=run, json=json)


def live(
    config: Config,
    /,
    *,
    replay: Annotated[bool, Parameter(help="Replay history on paper. There is nothing else yet.")] = False,
    start: Annotated[datetime | None, Parameter(help="First day that trades.")] = None,
    portfolio: PortfolioOption = None,
    speed: Annotated[float | None, Parameter(help="Bars a second; by default as fast as they go.")] = None,
    fresh: Annotated[bool, Parameter(help="Begin anew, and do not go on with one that was stopped.")] = False,
    json: Json = False,
) -> object:
    """Play history through the live processes, and compare every order, fill and bar with research."""
    return _do(
        "live", config, replay=replay, start=start, portfolio=portfolio, speed=speed, fresh=fresh, json=json
    )


@data.default
def show_data(
    file: Annotated[Path, Parameter(help="A YAML file, or data: a file, a folder, or a pattern in quotes.")],
    /,
    *,
    instrument: Instrument = None,
    frequency: Frequency = None,
    zone: Zone = None,
    unit: Unit = None,
    date_format: DateFormat = None,
    dialect: Dialect = None,
    separator: Separator = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    json: Json = False,
) -> object:
    """Show what is there: instruments, dates, ticks, holes."""
    return _do(
        "data", file, instrument=instrument, frequency=frequency, zone=zone, unit=unit,
        date_format=date_format, dialect=dialect,
        separator=separator, decimal=decimal, encoding=encoding, json=json,
    )  # fmt: skip


@data.command(name="check")
def check_data(
    *files: Annotated[Path, Parameter(help="Files of data, folders, or patterns in quotes.")],
    on_bad: Annotated[
        Literal["reject", "quarantine", "repair"],
        Parameter(help="What to write: nothing; the good rows, and the bad beside them; a mended copy."),
    ] = "reject",
    out: Annotated[Path | None, Parameter(help="The file to write; else FILE.good.csv beside it.")] = None,
    calendar: Annotated[str | None, Parameter(help="The exchange's calendar: XNYS, XBOM, 24/7.")] = None,
    instrument: Instrument = None,
    frequency: Frequency = None,
    zone: Zone = None,
    unit: Unit = None,
    date_format: DateFormat = None,
    dialect: Dialect = None,
    separator: Separator = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    json: Json = False,
) -> object:
    """Say what is wrong with data; write a mended copy where that is asked for."""
    return _do(
        "data_check:check", *files, on_bad=on_bad, out=out, calendar=calendar, instrument=instrument,
        frequency=frequency, zone=zone, unit=unit, date_format=date_format, dialect=dialect,
        separator=separator, decimal=decimal, encoding=encoding, json=json,
    )  # fmt: skip


def plugins(
    kind: Annotated[
        str | None, Parameter(help="strategy, source, gateway, feature or risk; by default all.")
    ] = None,
    /,
    *,
    json: Json = False,
) -> object:
    """List strategies, sources, gateways, features and risk models, and what they take."""
    return _do("plugins", kind, json=json)


@stages.default
def list_stages(*, json: Json = False) -> object:
    """List what is stored: identity, kind, rows, size, when it was made, and of what."""
    return _do("stages", json=json)


@stages.command(name="rm")
def remove_stages(
    prefix: Prefix = "",
    /,
    *,
    abandoned: Annotated[
        bool, Parameter(help="What stopped sweeps left that have not gone on for an hour.")
    ] = False,
    json: Json = False,
) -> object:
    """Remove one table, or what a stopped sweep left; or all that is abandoned."""
    return _do("stages:rm", prefix, abandoned=abandoned, json=json)


@stages.command(name="verify")
def verify_stages(prefix: Prefix = "", /, *, json: Json = False) -> object:
    """Read every byte and compare it with its checksum. Without a prefix: of all there is."""
    return _do("stages:verify", prefix, json=json)


def _do(target: str, *given: object, **options: object) -> object:
    """Import what does a command, "module" or "module:function", and call it."""
    module, _, name = target.partition(":")
    doing: Any = getattr(import_module(f"flotilla.cli.{module}"), name or module)
    return doing(*given, **options)
