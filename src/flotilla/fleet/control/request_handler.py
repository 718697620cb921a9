"""Where requests are answered: what comes in at the control socket, as the supervisor's own doing.

A command is accepted or refused at once; whoever waits for its end follows the events. What it
changes is decided by `coordinate`; what is only asked is answered by `answers.py`.
"""

from __future__ import annotations

import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from flotilla.errors import ConfigError, FlotillaError, ProcessError
from flotilla.fleet import spec
from flotilla.fleet.control import answers
from flotilla.fleet.control.server import Peer
from flotilla.fleet.control.status import HostStatus, Request
from flotilla.fleet.folder import Folder
from flotilla.fleet.history.records import Records
from flotilla.fleet.rules import fleet_state
from flotilla.fleet.rules.fleet_state import Fleet
from flotilla.fleet.rules.plan import refusal, reload_plan
from flotilla.fleet.rules.states import Alert, Ask, Instruction, Note, PlatformEvent, Reload
from flotilla.fleet.system.resources import Sample
from flotilla.stream.files import write_whole

_MOST = 1000  # events of one answer


class Supervised(Protocol):
    """What the handler may do with the supervisor."""

    def ask(self, event: PlatformEvent) -> None:
        """Take an event, or raise ConfigError and change nothing."""

    def renewed(self, fleet: spec.FleetSpec) -> None:
        """Go by another file from now on."""

    @property
    def fleet(self) -> Fleet:
        """Return the fleet as it is."""

    @property
    def hosts(self) -> tuple[HostStatus, ...]:
        """Return how the other hosts are."""

    @property
    def samples(self) -> dict[str, Sample]:
        """Return what each platform used when it was last looked at."""


class RequestHandler:
    """Answers, for one supervisor.

    write: writes down, and tells who follows the events. since_ns: when the supervisor began, ns UTC.
    """

    def __init__(
        self,
        supervisor: Supervised,
        folder: Folder,
        records: Records,
        write: Callable[[Instruction], None],
        since_ns: int,
    ) -> None:
        self._supervisor, self._folder, self._records = supervisor, folder, records
        self._write, self._since_ns = write, since_ns

    async def answer(self, request: Request, peer: Peer) -> Any:
        """Return the answer to a request. FlotillaError: why it is refused."""
        fleet, names = self._supervisor.fleet, request.platforms
        match request.command:
            case "status":
                return answers.status(
                    fleet,
                    self._supervisor.samples,
                    seq=self._records.last_seq,
                    since_ns=self._since_ns,
                    hosts=self._supervisor.hosts,
                )
            case "events":
                return self._records.read(request.from_, min(request.limit, _MOST))
            case "plan":
                new = self._read(request) if request.data.get("of") == "reload" else None
                return answers.planned(fleet, request.data, names, new)
            case "reload":
                return self._reload(request, peer)
            case "ack":
                return self._acknowledge(request, peer)
            case "record":
                return self._record(request, peer)
            case "start" | "stop" | "restart" | "drain" | "down":
                return self._command(request, peer)

    def _command(self, request: Request, peer: Peer) -> dict[str, Any]:
        who, names, command = _who(request, peer), request.platforms, request.command
        try:
            overrides = spec.overrides(request.overrides)
            order = answers.order(self._supervisor.fleet, command, names)
            self._supervisor.ask(Ask(command, names, who, request.why, overrides))  # type: ignore[arg-type]
        except ConfigError as error:
            self._records.audit(who, command, " ".join(names), request.why, f"refused: {error}", sync=True)
            raise
        return {
            "seq": self._records.last_seq,
            "names": [name for level in order for name in level],
            "order": order,
        }

    def _reload(self, request: Request, peer: Peer) -> Any:
        try:
            answer = self._reloaded(request)
        except FlotillaError as error:
            self._records.audit(
                _who(request, peer), "reload", "", request.why, f"refused: {error}", sync=True
            )
            raise
        self._records.audit(_who(request, peer), "reload", "", request.why, "accepted", sync=True)
        return answer

    def _reloaded(self, request: Request) -> dict[str, Any]:
        new = self._read(request)
        fleet = self._supervisor.fleet
        plan = reload_plan(fleet.spec, new)
        if new.name != fleet.spec.name:
            raise ConfigError(f"this is the fleet {fleet.spec.name!r}, and the file's is {new.name!r}")
        if refused := refusal(plan):
            raise ConfigError(refused)
        try:
            write_whole(self._folder.fleet_file, spec.fleet_to_yaml(new).encode())
        except OSError as error:
            raise ProcessError(f"{self._folder.fleet_file} cannot be written: {error.strerror}") from error
        self._supervisor.ask(Reload(new))
        self._supervisor.renewed(new)
        if new.audit != fleet.spec.audit:
            text = "audit.anchor is taken up at the next start: until then the head is written where it was"
            self._write(Alert("info", "", text))
        return {"seq": self._records.last_seq, "plan": plan}

    def _read(self, request: Request) -> spec.FleetSpec:
        origin = self._folder.origin
        usual = origin.read_text().strip() if origin.exists() else str(self._folder.fleet_file)
        file = request.data.get("file", usual)
        if not isinstance(file, str) or not Path(file).is_absolute():
            raise ConfigError(f"data.file should be the absolute path of a fleet's file, it is {file!r}")
        return spec.read_fleet(file)

    def _acknowledge(self, request: Request, peer: Peer) -> dict[str, Any]:
        who, target = _who(request, peer), " ".join(request.platforms)
        try:
            fleet_state.known(self._supervisor.fleet, request.platforms)
        except ConfigError as error:
            self._records.audit(who, "ack", target, request.why, f"refused: {error}", sync=True)
            raise
        for name in request.platforms or ("",):
            data = {"who": who, "about": str(request.data.get("about", ""))}
            self._write(Note("alert_acknowledged", name, request.why, data))
        self._records.audit(who, "ack", target, request.why, "accepted", sync=True)
        return {"seq": self._records.last_seq, "names": list(request.platforms)}

    def _record(self, request: Request, peer: Peer) -> dict[str, Any]:
        said = {key: str(request.data.get(key, ""))[:400] for key in ("action", "target", "outcome")}
        if not said["action"]:
            raise ConfigError("data.action: is what is recorded")
        self._records.audit(_who(request, peer), said["action"], said["target"], request.why, said["outcome"])
        if request.data.get("alarm") is True:
            self._write(Alert("critical", "", said["outcome"]))
        return {"seq": self._records.last_seq}


def _who(request: Request, peer: Peer) -> str:
    """Return who asks: what it says of itself, and the user that the kernel says it is."""
    try:
        user = pwd.getpwuid(peer.uid).pw_name
    except KeyError:
        user = str(peer.uid)
    return f"{request.who or 'somebody'} ({user})"
