"""`flotilla fleet up`: write down what was accepted, start the guard, and tell what happens.

Started by something that waits for word ($NOTIFY_SOCKET: systemd, or another fleet), this process becomes the
guard itself, unless --detach or --json ask for what a guard does not do. Otherwise the guard has a session
of its own, so that a terminal that closes, or Ctrl-C, reaches this process alone: it then asks for an orderly
end.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from flotilla import notify
from flotilla.access import tokens
from flotilla.cli import say
from flotilla.cli.arguments import Json
from flotilla.cli.fleet import show
from flotilla.cli.fleet.audit import record
from flotilla.cli.fleet.find import FoundFleet
from flotilla.cli.fleet.settle import LOOK_S, News, not_up, settled
from flotilla.cli.fleet.status import last_known
from flotilla.clock import now_ns, sleep
from flotilla.errors import ConfigError, ProcessError
from flotilla.fleet import schedule
from flotilla.fleet.checkpoint import give_up_closing
from flotilla.fleet.control.status import PlatformStatus, underway
from flotilla.fleet.folder import Folder, run_folder_of
from flotilla.fleet.spec import FleetSpec, fleet_to_yaml, graph, read_fleet
from flotilla.fleet.system.logs import LogFile, end_of
from flotilla.fleet.system.python import guard_command
from flotilla.stream.files import write_whole

_MORE_S = 30.0  # beyond what the platforms' own deadlines add up to
_LONGEST_S = 86_400.0  # that somebody waits for a start
_LAST_LINES = 10
_SUPERVISOR = "flotilla.fleet.supervisor"
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Guard:
    """The guard's process, which is this one's child and outlives it."""

    def __init__(self, argv: list[str], log: Path) -> None:
        env = {name: value for name, value in os.environ.items() if name not in notify.VARIABLES}
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.pid = os.posix_spawn(
            argv[0],
            argv,
            env,
            setsid=True,
            setsigdef=_STOPS,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
        self.exit_code: int | None = None

    def alive(self) -> bool:
        """Return whether it still runs."""
        if self.exit_code is None:
            pid, ended = os.waitpid(self.pid, os.WNOHANG)
            self.exit_code = os.waitstatus_to_exitcode(ended) if pid else None
        return self.exit_code is None

    def ask_to_stop(self) -> None:
        """Ask for an orderly end of the fleet."""
        if self.alive():
            os.kill(self.pid, signal.SIGTERM)


def up(
    config: Annotated[Path, Parameter(help="The fleet's file.")] = Path("fleet.yaml"),
    /,
    *,
    detach: Annotated[bool, Parameter(help="Go to the background; return once all are ready.")] = False,
    timeout: Annotated[
        float | None, Parameter(help="How long --detach waits, seconds; else as long as a start may take.")
    ] = None,
    json: Json = False,
) -> int:
    """Start a fleet from its file, each platform after what it needs."""
    if timeout is not None and not 0 <= timeout <= _LONGEST_S:
        raise ConfigError(f"--timeout: seconds, up to {_LONGEST_S:g}, not {timeout:g}")
    spec = read_fleet(config)
    schedule.check(spec, str(config))
    fleet = FoundFleet(Folder(run_folder_of(config, spec.name)).make())
    _must_be_down(fleet, config)
    with fleet.folder.coming_up():
        _must_be_down(fleet, config)  # still: another `up` may have been quicker
        write_whole(fleet.folder.fleet_file, fleet_to_yaml(spec).encode())
        write_whole(fleet.folder.origin, str(config.resolve()).encode())
        if any(platform.schedule for platform in spec.platforms.values()):
            # Now, as the calendars are loaded: a supervisor knows the hours before it starts anybody.
            schedule.write(fleet.folder.fleet_file, fleet.folder.times, now_ns())
        give_up_closing(fleet.folder)
        return _brought_up(fleet, spec, config, detach, timeout, json)


def _brought_up(
    fleet: FoundFleet, spec: FleetSpec, config: Path, detach: bool, timeout: float | None, json: bool
) -> int:
    """Start the guard, or become it, and wait for what was asked for."""
    token = _first_token(fleet, config)
    if "NOTIFY_SOCKET" in os.environ and not (detach or json):
        argv = guard_command(str(fleet.folder.path), spec.mode, _SUPERVISOR)
        os.execv(argv[0], argv)  # noqa: S606 no shell is wanted
    if token and not json:
        say.note(f"the API's first token, an admin's, which is shown this once: {token}")
    news = News(fleet)
    process = Guard(guard_command(str(fleet.folder.path), spec.mode, _SUPERVISOR), fleet.own_log)
    if detach:
        return _detached(fleet, spec, process, news, timeout, json, token)
    if token and json:
        sys.stdout.write(msgspec.json.encode({"first_token": token}).decode() + "\n")
    return _attended(fleet, process, news, json)


def _first_token(fleet: FoundFleet, config: Path) -> str | None:
    """Return the text of a first token, None where there was one, or where a journal keeps what we say."""
    if fleet.folder.tokens.exists():
        return None
    if "NOTIFY_SOCKET" in os.environ:
        made = say.command("fleet", "token", "create", "admin", "--role", "admin", "--fleet", config)
        say.note(f"the API has no token yet, and none is made where it would be logged; make one: {made}")
        return None
    record(fleet, "token create", "admin", "the first, by `up`", "asked")
    return tokens.first(fleet.folder.tokens)


def _must_be_down(fleet: FoundFleet, config: Path) -> None:
    """Raise ProcessError where somebody supervises it, with what to do."""
    if (holder := fleet.folder.holder()) is None:
        return
    try:
        fleet.client().status()
    except ProcessError as error:
        raise ProcessError(f"{fleet.name} is up already: {error}") from error
    raise ProcessError(
        f"{fleet.name} is up already: process {holder} supervises it. "
        f"To take up changes: flotilla fleet reload {config}"
    )


def _detached(
    fleet: FoundFleet,
    spec: FleetSpec,
    process: Guard,
    news: News,
    timeout_s: float | None,
    json: bool,
    token: str | None,
) -> int:
    """Wait until all are where they will stay; tell who is not as it should be, and why."""
    wait_s = timeout_s if timeout_s is not None else longest_start_s(spec) + _MORE_S
    status = settled(fleet, None, wait_s, news=None if json else news, alive=process.alive)
    if status is None:
        raise _died(fleet, process)
    wrong = not_up(status, spec)
    if json:
        shown = {"first_token": token} if token else {}
        names = [platform.name for platform in wrong]
        say.show_json({"ok": not wrong, "not_up": names, **shown, "status": status})
        return 1 if wrong else 0
    say.show(show.headline(status), show.listing(status))
    for platform in wrong:
        _explain(fleet, platform)
    if any(map(underway, wrong)):
        say.note(f"that was waited for {wait_s:g} s, and goes on by itself: flotilla fleet status")
    return 1 if wrong else 0


def _attended(fleet: FoundFleet, process: Guard, news: News, json: bool) -> int:
    """Tell what happens until the fleet has ended; a wish to stop is passed on, once."""
    with _wishes() as wishes:
        if not json:
            say.note(f"{fleet.name} is coming up; Ctrl-C takes it down in order")
        asked = False
        while process.alive():
            _tell(news, json)
            if wishes and not asked:
                asked = True
                process.ask_to_stop()
                if not json:
                    say.note(f"taking {fleet.name} down; another Ctrl-C changes nothing")
            sleep(LOOK_S)
        _tell(news, json)
    if process.exit_code != 0 and not (asked and _ended_before_it_began(fleet, process)):
        raise _died(fleet, process)
    return 0


def _ended_before_it_began(fleet: FoundFleet, process: Guard) -> bool:
    """Return whether our own wish to stop came before the guard could hear it, and nothing runs."""
    if process.exit_code != -signal.SIGTERM or fleet.folder.holder() is not None:
        return False
    return not any(platform.pid for platform in last_known(fleet).platforms)


def longest_start_s(spec: FleetSpec) -> float:
    """Return how long a start may take by the platforms' own deadlines, restarts included, in seconds."""
    total = 0.0
    for level in graph.levels(spec.needs):
        platforms = [spec.platforms[name] for name in level]
        total += max((p.startup_timeout + p.backoff.most) * (1 + p.max_restart_attempts) for p in platforms)
    return min(total, 3600.0)


def _explain(fleet: FoundFleet, platform: PlatformStatus) -> None:
    """Tell how one is that is not up, and why, with its last words."""
    say.note(show.sentence(platform))
    if platform.blocked_by:  # those without which it never begins are told of by themselves
        return
    for line in LogFile(fleet.folder.log(platform.name)).last(_LAST_LINES)[1]:
        say.note(f"    {line}")
    say.note(f"  more: flotilla fleet logs {platform.name}")


def _died(fleet: FoundFleet, process: Guard) -> ProcessError:
    """Return why the guard ended when it should not have."""
    process.alive()
    code = process.exit_code if process.exit_code is not None else 0
    said = end_of(fleet.own_log)
    return ProcessError(f"{fleet.name} did not stay up ({show.ended(code)}); {said}")


def _tell(news: News, json: bool) -> None:
    for event in news.read():
        if json:
            sys.stdout.write(msgspec.json.encode(event).decode() + "\n")
        else:
            say.show(show.event_line(event))
    sys.stdout.flush()


@contextmanager
def _wishes() -> Iterator[list[int]]:
    """Collect the signals that ask us to stop, instead of dying of them."""
    heard: list[int] = []

    def note(number: int, _frame: Any) -> None:
        heard.append(number)

    before = {what: signal.signal(what, note) for what in _STOPS}
    try:
        yield heard
    finally:
        for what, handler in before.items():
            signal.signal(what, handler)
