"""What commands `flotilla fleet` has, and what each says of itself; a module is imported when called."""

from __future__ import annotations

from cyclopts import App, Group

from flotilla.cli.commands import Command

RUN, LOOK, CHECK = "Run", "Look", "Check"

COMMANDS = (
    Command(
        "up",
        "up:up",
        RUN,
        """Start a fleet from its file, each platform after what it needs.

Stays and tells what happens; Ctrl-C takes the fleet down in order. With
--detach it returns once all are ready, or says which are not and why. What an
earlier supervisor left running is taken over, not started again.

Try:
  flotilla fleet up fleet.yaml
  flotilla fleet up fleet.yaml --detach
  flotilla fleet up examples/fleet.yaml --detach --json""",
    ),
    Command(
        "down",
        "act:down",
        RUN,
        """Stop all, whoever needs something before what it needs, and end.

Each is asked to settle, then to go, then killed with all that it started; a
kill raises an alarm.

Try:
  flotilla fleet down
  flotilla fleet down --yes --why "end of the day\"""",
    ),
    Command(
        "start",
        "act:start",
        RUN,
        """Start platforms, and first what they need.

One that failed too often gets a new budget. A custom sequence of the file is
started by its name.

Try:
  flotilla fleet start router
  flotilla fleet start""",
    ),
    Command(
        "stop",
        "act:stop",
        RUN,
        """Stop platforms, and first those that need them.

Says which others will stop, in order, and asks before it does.

Try:
  flotilla fleet stop feed
  flotilla fleet stop feed --yes --why "exchange holiday\"""",
    ),
    Command(
        "restart",
        "act:restart",
        RUN,
        """Stop platforms and start them again.

Those that their group's policy takes along start again too, once you agree.
Whoever else needs them runs on, degraded until they are back.

Try:
  flotilla fleet restart router
  flotilla fleet restart router --yes --why "new model\"""",
    ),
    Command(
        "drain",
        "act:drain",
        RUN,
        """Ask platforms to settle what is in flight, then stop them.

Waits for as long as they need: nothing is killed for being slow.

Try:
  flotilla fleet drain execution
  flotilla fleet drain execution --why "before the upgrade\"""",
    ),
    Command(
        "reload",
        "plan:reload",
        RUN,
        """Take up what changed in the fleet's file.

Shows what it will do, and asks before it stops anything. What did not change
keeps running.

Try:
  flotilla fleet plan fleet.yaml
  flotilla fleet reload fleet.yaml
  flotilla fleet reload --yes""",
    ),
    Command(
        "agent",
        "agent:agent",
        RUN,
        """Run what a fleet's file places on this host, for its head elsewhere.

The same file lies here and at the head. What runs here runs on while the head
is out of sight; nothing is started then. Ctrl-C, or SIGTERM, stops it in order.

Try:
  flotilla fleet keys b
  flotilla fleet agent fleet.yaml --host b
  flotilla fleet agent fleet.yaml --host b --detach""",
    ),
    Command(
        "status",
        "status:status",
        LOOK,
        """Show each platform: its state, since when, and why.

Exit code 0 says that nothing is failed or degraded. Without a supervisor it
shows what was last known, and which processes still run.

Try:
  flotilla fleet status
  flotilla fleet status --watch
  flotilla fleet status --json | jq '.platforms[] | {name, state}'""",
    ),
    Command(
        "logs",
        "logs:logs",
        LOOK,
        """Show what platforms wrote, over rotations; follow it with -f.

Reads the files: it needs no supervisor. `supervisor` is its own log.

Try:
  flotilla fleet logs ticker
  flotilla fleet logs -f
  flotilla fleet logs ticker consumer -n 100""",
    ),
    Command(
        "events",
        "events:events",
        LOOK,
        """Show what happened to the fleet, in order; follow it with -f.

Try:
  flotilla fleet events
  flotilla fleet events ticker --kind state
  flotilla fleet events --from 120 --json""",
    ),
    Command(
        "graph",
        "graph:graph",
        LOOK,
        """Draw what needs what, with the states if it runs.

Try:
  flotilla fleet graph
  flotilla fleet graph fleet.yaml --levels
  flotilla fleet graph --dot | dot -Tsvg -o fleet.svg""",
    ),
    Command(
        "plan",
        "plan:plan",
        LOOK,
        """Show what a reload would change, and change nothing.

Of a file that was never up it shows what `up` would start, in order.

Try:
  flotilla fleet plan
  flotilla fleet plan fleet.yaml --json""",
    ),
    Command(
        "ack",
        "act:ack",
        LOOK,
        """Say that you have seen the alerts, so that they do not escalate.

Try:
  flotilla fleet ack
  flotilla fleet ack router --why "looking at it\"""",
    ),
    Command(
        "audit",
        "audit:app",
        CHECK,
        """Show who did what; verify that nobody changed the record.

Try:
  flotilla fleet audit
  flotilla fleet audit verify
  flotilla fleet audit -n 100 --json""",
    ),
    Command(
        "token",
        "tokens:app",
        CHECK,
        """Say who may use the REST API, in which role, until when.

A token is shown once, when it is made: what is kept is a hash of it.

Try:
  flotilla fleet token
  flotilla fleet token create grafana --days 30
  flotilla fleet token create ann --role operator
  flotilla fleet token revoke 3fa9c0de""",
    ),
    Command(
        "keys",
        "keys:keys",
        CHECK,
        """Make the keys by which a head and its hosts know one another.

A folder with a small authority, and a certificate and key for the head and
for each host. Copy ca.pem, HOST.pem and HOST.key to each host; ca.key stays.

Try:
  flotilla fleet keys b c
  flotilla fleet keys b --folder /etc/flotilla/keys
  flotilla fleet keys b --renew""",
    ),
    Command(
        "doctor",
        "doctor:doctor",
        CHECK,
        """Check the machine, the file and the run folder; say what to mend.

Try:
  flotilla fleet doctor
  flotilla fleet doctor fleet.yaml
  flotilla fleet doctor --test-alert""",
    ),
)

app = App(name="fleet", help_format="plaintext")  # its help is in the table of all commands
_HEADINGS = {heading: Group(heading, sort_key=n) for n, heading in enumerate((RUN, LOOK, CHECK))}
for _n, _command in enumerate(COMMANDS):
    app.command(
        f"flotilla.cli.fleet.{_command.target}",
        name=_command.name,
        help=_command.flowing,
        group=_HEADINGS[_command.heading],
        sort_key=_n,
    )
