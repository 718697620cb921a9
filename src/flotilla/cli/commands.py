"""What commands there are, and what each says of itself.

The words stand here and not with the code, so that `flotilla --help` needs none of it. What a command takes
is in `signatures.py`, or in a module of its own, which is imported when the command is asked for, by its name
in this table; what it does is imported when it is called.
"""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """Where a command is, under which heading it is listed, and its help, whose first line is the list's."""

    name: str
    target: str  # "module:attribute" in flotilla.cli
    heading: str
    help: str

    @property
    def flowing(self) -> str:
        """Return the help with each paragraph of prose as one line, which a terminal breaks where it ends."""
        paragraphs = (paragraph.splitlines() for paragraph in self.help.split("\n\n"))
        return "\n\n".join(
            "\n".join(lines) if any(line.startswith(" ") for line in lines) else " ".join(lines)
            for lines in paragraphs
        )


START, RESEARCH, TRADE, LOOK, GENERAL = "Start here", "Research", "Trade", "Look", "General"
PROCESSES = "Run processes"

HEAD = """Usage: flotilla COMMAND [OPTIONS]

Research thousands of portfolios in seconds, then trade the chosen ones.

Try:
  flotilla demo                          all of it, on real prices
  flotilla sweep examples/cross.yaml     10,000 portfolios, ranked
  flotilla COMMAND --help                what a command takes, with examples

What is computed is kept in .flotilla, or in $FLOTILLA_HOME. Every command takes
--json."""
OPTIONS = (
    ("--debug", "Show the code behind an error."),
    ("--help, -h", "Show this, or what a command takes."),
    ("--version", "Show the version."),
    ("--install-completion", "Install tab completion for this shell."),
)

COMMANDS = (
    Command(
        "demo",
        "signatures:demo",
        START,
        """Research real prices, trade the best on paper, write a report.

Sweeps 10,000 portfolios over the daily closes of 20 stocks, 1990-2022, writes
a report of the best, plays its last two years through the live processes, and
compares them with research, bit by bit. It leaves a folder with the
configuration and the report. The first time it waits a minute for the
compiler.

Try:
  flotilla demo
  flotilla demo -o my-demo""",
    ),
    Command(
        "run",
        "signatures:run",
        RESEARCH,
        """Simulate one portfolio, or several of one file side by side.

Says what it came to, beside buying the same instruments and holding them, or
beside what --benchmark names.

Try:
  flotilla run my.yaml
  flotilla run my.yaml --plan
  flotilla run my.yaml --benchmark SPY --full
  flotilla run examples/cross.yaml --portfolio 1241
  flotilla run book.yaml --portfolio careful
  flotilla run my.yaml --json --full > run.json""",
    ),
    Command(
        "sweep",
        "signatures:sweep",
        RESEARCH,
        """Simulate thousands of portfolios and rank them.

The table is stored under its identity: the same sweep is not computed twice,
and one that was stopped goes on where it was. Results do not depend on the
number of workers.

Try:
  flotilla sweep examples/cross.yaml
  flotilla sweep examples/cross.yaml --top 25 --workers 2
  flotilla sweep examples/cross.yaml --json | jq '.best[0]'""",
    ),
    Command(
        "report",
        "signatures:report",
        RESEARCH,
        """Write one page to send to a colleague.

report.html needs nothing else, and report.json beside it has the numbers. Of
a sweep it shows the best, or the portfolio that you name, before all the
others.

Try:
  flotilla report my.yaml --open
  flotilla report examples/cross.yaml -o reports/cross
  flotilla report examples/cross.yaml --portfolio 1241""",
    ),
    Command(
        "why",
        "signatures:why",
        RESEARCH,
        """Say why an order or a fill is there.

Goes back from it to the prices, features and signals behind it, and says what
risk decisions, a drawdown limit or too little cash did to it. It knows the
orders of `run` and `live`, and those of the best of `sweep` and `report`: the
last that ran here under their portfolio's name.

Try:
  flotilla why cross-1241-00000186-CVX-0
  flotilla why cross-1241-00000187-CVX-0-f0 --json
  flotilla why my-00000250-AAPL-0 --run my.yaml""",
    ),
    Command(
        "live",
        "signatures:live",
        TRADE,
        """Play history through the live processes, on paper.

Feed, strategies, portfolios and execution run as processes of their own, over
ZeroMQ, with journals on disk; then every order, every fill and each bar's
equity is compared with research, and the exit code is 1 if one bit differs. A
replay that was stopped goes on where it was. Trading with a broker is not
there yet.

Try:
  flotilla live --replay my.yaml
  flotilla live --replay examples/cross.yaml --portfolio 1241 --start 2020-12-29
  flotilla live --replay my.yaml --speed 10""",
    ),
    Command(
        "fleet",
        "fleet.commands:app",
        PROCESSES,
        """Run processes as a fleet: in order, watched, restarted.

A fleet is a YAML file: a command for each platform, and what it needs. Each
starts once that is ready, is restarted within a budget when it dies, and stops
after those that need it. It is found from the folder that you stand in; --fleet
says which, where there are several. Every command takes --json.

Try:
  flotilla fleet up examples/fleet.yaml
  flotilla fleet status
  flotilla fleet stop ticker
  flotilla fleet COMMAND --help""",
    ),
    Command(
        "data",
        "signatures:data",
        LOOK,
        """Show what is in data, and what is wrong with it.

Takes a YAML file, whose source it asks, or data themselves: a CSV or Parquet
file, a folder, a pattern in quotes. `check` looks at every cell, says all that
is wrong, and writes a mended copy where that is asked for; it ends with 0 where
all may be loaded or was mended, else with 1.

Try:
  flotilla data prices.csv
  flotilla data examples/cross.yaml
  flotilla data check prices.csv
  flotilla data check prices.csv --on-bad quarantine --out good.csv""",
    ),
    Command(
        "plugins",
        "signatures:plugins",
        LOOK,
        """List strategies, sources and gateways, and what they take.

Your own need no list: write "my_file:MyStrategy" in the YAML.

Try:
  flotilla plugins
  flotilla plugins strategy
  flotilla plugins source --json""",
    ),
    Command(
        "stages",
        "signatures:stages",
        LOOK,
        """List what is stored; remove it, verify it.

A table is what its identity says, so removing one costs only the time to
compute it again.

Try:
  flotilla stages
  flotilla stages rm 3fa9
  flotilla stages rm --abandoned
  flotilla stages verify""",
    ),
)


def overview() -> str:
    """Return what `flotilla --help` says: every command under its heading, and the general options."""
    listed: dict[str, list[tuple[str, str]]] = {}
    for command in COMMANDS:
        listed.setdefault(command.heading, []).append((command.name, command.help.partition("\n")[0]))
    listed[GENERAL] = [*OPTIONS]
    parts = [HEAD]
    for heading, rows in listed.items():
        wide = max(len(name) for name, _ in rows)
        parts.append("\n".join([f"{heading}:", *(f"  {name.ljust(wide)}   {words}" for name, words in rows)]))
    return "\n\n".join(parts)
