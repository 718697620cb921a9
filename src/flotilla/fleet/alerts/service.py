"""The process that tells: follows a fleet's events from a durable cursor, and sends.

1. `Service.look` takes one event. An alert or an acknowledgement goes to the rules
   (rules.py), and what follows is kept in the outbox, in one transaction with the cursor.
2. `Service.pass_time` lets time pass for the rules, and the postman go.
3. `serve` connects the two to the supervisor's stream, for ever. Where the supervisor stays
   away or says nothing, this process is the one left to tell of it, and does.

The first time of all, alerts older than ten minutes are let be: nobody wants to be told of
last week. After that nothing is passed over, however long this process was away.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from flotilla.clock import monotonic_ns, now_ns, sleep
from flotilla.errors import ConfigError, FlotillaError
from flotilla.fleet.alerts.outbox import Outbox
from flotilla.fleet.alerts.rules import Acknowledged, Message, Raised, TimePassed, step
from flotilla.fleet.alerts.rules import AlertEvent as Happened
from flotilla.fleet.alerts.send import Postman
from flotilla.fleet.control.client import Client
from flotilla.fleet.folder import Folder
from flotilla.fleet.history.events import Event
from flotilla.fleet.spec import FleetSpec, accepted
from flotilla.fleet.spec.preferences import SEVERITIES, Alerts, Severity
from flotilla.notify import alive, ready, stopping

_OLD_NS = 600_000_000_000  # of alerts, the first time
_QUIET_S = 0.5  # between two looks about, when nothing comes
_ASK_S = 10.0  # between two questions whether a silent supervisor is there
_SAVED = 1000  # events that mean nothing to us, until the cursor is kept all the same


class Service:
    """What the process does, but for waiting. folder: the run folder. wanted: preferences."""

    def __init__(self, folder: Folder, fleet: str, wanted: Alerts) -> None:
        self._folder, self._wanted = folder, wanted
        self._outbox = Outbox(folder.path / "alerts.db")
        # What is relative in a fleet's file is relative to where that lies: three above the run folder.
        self._post = Postman(self._outbox, folder.path.parents[2], fleet)
        self._since_ns = now_ns() - _OLD_NS if self._outbox.is_new else 0
        self._at = self._outbox.cursor
        self._ticked_ns = 0

    @property
    def next_seq(self) -> int:
        """Return the number of the event that is wanted next."""
        return self._at + 1

    def begin_again(self, last_seq: int) -> None:
        """Take note of the last event that there is: where that is behind us, the events are new ones."""
        if last_seq < self._at:
            self._at = 0
            self._outbox.keep(0, self._outbox.state, (), self._wanted, now_ns())

    def look(self, event: Event) -> None:
        """Take the next event of the fleet."""
        if event.seq <= self._at:
            return
        missed = event.seq - self._at - 1
        self._at = event.seq
        happened: list[Happened] = []
        if missed and self._outbox.cursor:
            text = f"{missed} events were dropped before they could be looked at: alerts may be among them"
            happened.append(Raised("", "events missed", "warning", text))
        if (meant := _meaning(event)) is not None and event.ts >= self._since_ns:
            happened.append(meant)
        if happened:
            self._happen(*happened)
        elif self._at - self._outbox.cursor >= _SAVED:
            self._outbox.keep(self._at, self._outbox.state, (), self._wanted, now_ns())
        if event.kind == "reloaded" and (spec := accepted(self._folder.fleet_file)).monitoring.alerts:
            self._wanted = spec.monitoring.alerts

    def raise_(self, about: str, severity: str, text: str) -> None:
        """Raise a matter of our own."""
        self._happen(_raised("", about, severity, text))

    def pass_time(self) -> None:
        """Let time pass: call it at least every second."""
        if monotonic_ns() - self._ticked_ns >= int(_QUIET_S * 1e9):
            self._ticked_ns = monotonic_ns()
            self._happen(TimePassed())
        for went in self._post.go():
            if not went.ok:
                sys.stderr.write(f"{went.target}: {went.what}\n")
                sys.stderr.flush()

    def close(self) -> None:
        """Keep where we are, and end."""
        self._post.close()
        self._outbox.keep(self._at, self._outbox.state, (), self._wanted, now_ns())
        self._outbox.close()

    def _happen(self, *events: Happened) -> None:
        """Keep what follows from events at once: it must not know of the one and lose the other."""
        before = state = self._outbox.state
        messages: list[Message] = []
        for event in events:
            state, more = step(state, event, now_ns(), self._wanted)
            messages += more
        # Where only the bucket filled there is nothing to keep: it fills by the time that passed.
        if (
            messages
            or events != (TimePassed(),)
            or (state.matters, state.held) != (before.matters, before.held)
        ):
            self._outbox.keep(self._at, state, messages, self._wanted, now_ns())


class _Watch:
    """How long the supervisor has been away."""

    def __init__(self, service: Service, client: Client, missed_s: float) -> None:
        self._service, self._client = service, client
        self._missed_ns = int(missed_s * 1e9)
        self._seen_ns = self._asked_ns = monotonic_ns()
        self._told = False

    def seen(self) -> None:
        """Take note that it was heard from."""
        self._seen_ns = monotonic_ns()
        if self._told:
            self._told = False
            self._service.raise_("supervisor back", "warning", "the supervisor answers again")

    def ask(self) -> None:
        """Ask a supervisor that has been silent for a while whether it is there."""
        if monotonic_ns() - max(self._seen_ns, self._asked_ns) >= int(_ASK_S * 1e9):
            self._asked_ns = monotonic_ns()
            try:
                self._client.status()
            except FlotillaError:
                self.missed()
            else:
                self.seen()

    def missed(self) -> None:
        """Take note that it was not there; when that has been so for long, tell."""
        away_ns = monotonic_ns() - self._seen_ns
        if not self._told and away_ns >= self._missed_ns:
            self._told = True
            text = (
                f"the supervisor has not answered for {away_ns / 1e9:.0f} s: nothing is restarted meanwhile"
            )
            self._service.raise_("supervisor away", "critical", text)


def serve(folder: Folder, spec: FleetSpec, over: Callable[[], bool]) -> None:
    """Tell of a fleet's alerts until `over`. ConfigError where it says nobody to tell."""
    wanted = spec.monitoring.alerts
    if wanted is None:
        raise ConfigError(f"{folder.fleet_file}: monitoring.alerts says nobody to tell")
    service = Service(folder, spec.name, wanted)
    client = Client(folder.socket("control"), "alerts", deadline_s=min(5.0, wanted.missed_s))
    watch = _Watch(service, client, wanted.missed_s)
    try:
        ready()
        while not over():
            try:
                _follow(client, service, watch, over)
            except (FlotillaError, OSError):  # it is being replaced, or is gone, or hangs
                watch.missed()
            _round(service)
            sleep(_QUIET_S)
    finally:
        service.close()


def _follow(client: Client, service: Service, watch: _Watch, over: Callable[[], bool]) -> None:
    """Take events until the supervisor goes away."""
    service.begin_again(client.status().seq)
    watch.seen()
    for event in client.events(service.next_seq, quiet_s=_QUIET_S):
        if event is None:
            watch.ask()
        else:
            watch.seen()
            service.look(event)
        _round(service)
        if over():
            return


def _round(service: Service) -> None:
    service.pass_time()
    alive()


def _meaning(event: Event) -> Happened | None:
    """Return what an event says to the rules; None for nothing."""
    if event.kind == "alert":
        about = str(event.data.get("about") or event.text)
        return _raised(event.platform, about, str(event.data.get("severity")), event.text or about)
    if event.kind == "alert_acknowledged":
        who, about = str(event.data.get("who") or ""), str(event.data.get("about") or "")
        return Acknowledged(event.platform, about, who)
    return None


def _raised(platform: str, about: str, severity: str, text: str) -> Raised:
    # A word that nobody knows is not passed over: better once too often.
    known: Severity = next((word for word in SEVERITIES if word == severity), "critical")
    return Raised(platform, about, known, text)


def main(arguments: list[str]) -> int:
    """Tell of the alerts of the fleet in a run folder, until SIGTERM; return the exit code."""
    asked = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 Python's own form
        asked.set()
        stopping()

    for what in (signal.SIGTERM, signal.SIGINT):
        signal.signal(what, on_signal)
    try:
        if len(arguments) != 1:
            raise ConfigError("python -m flotilla.fleet.alerts <run folder>")
        folder = Folder(Path(arguments[0]))
        serve(folder, accepted(folder.fleet_file), asked.is_set)
    except FlotillaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
