"""Send messages by apprise: Slack, mail, and a hundred others.

`send` goes to one target and says how it went, in words that hold no address. `Postman`
empties an outbox: several addresses at once, and one that fails is left alone for longer and
longer while the others are served. An address that was taken out of its target meanwhile is
owed nothing any more. Apprise and what it sends by log addresses, so their logs are shut.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import apprise

from flotilla.clock import monotonic_ns
from flotilla.errors import ConfigError
from flotilla.fleet.alerts.addresses import addresses
from flotilla.fleet.alerts.outbox import Letter, Outbox, Queue
from flotilla.fleet.spec.preferences import Alerts

TIMEOUT_S = 20.0  # for one message to one address
_FIRST_S, _MOST_S = 2.0, 300.0  # before the next try
_AT_ONCE = 4  # addresses
_GATHERED = 5  # letters to an address, from which on they go as one
_LINES = 40
_KINDS = {
    "info": apprise.NotifyType.INFO,
    "warning": apprise.NotifyType.WARNING,
    "critical": apprise.NotifyType.FAILURE,
}


class Went(NamedTuple):
    """How it went with one target."""

    target: str
    ok: bool
    what: str  # for people


def send(target: str, folder: Path, severity: str, title: str, body: str, address: int = 0) -> Went:
    """Send a message to an address of a target; it went well if nothing more is owed to it.

    address: counted from 1; 0: all of them, and it went well if it did with each.
    """
    _shut_logs()
    try:
        urls = addresses(target, folder)
    except ConfigError as error:
        return Went(target, False, str(error))
    if address > len(urls):
        return Went(target, True, f"there is no address {address} any more")
    post = apprise.Apprise()
    for number, url in enumerate(urls, 1):
        if address not in (0, number):
            continue
        try:
            known = post.add(url)
        except (TypeError, ValueError):
            known = False
        if not known:
            return Went(target, False, f"address {number} of {target} is none that apprise knows")
    result = post.notify(
        body=body or title,
        title=title,
        notify_type=_KINDS[severity],
        body_format=apprise.NotifyFormat.TEXT,
        timeout=TIMEOUT_S,
    )
    return Went(target, bool(result), "sent" if result else f"not taken: {result.status.name.lower()}")


def send_test(wanted: Alerts, folder: Path, text: str) -> list[Went]:
    """Send a test message to every target there is, and return how it went with each."""
    targets = dict.fromkeys(target for people in wanted.lists for target in people.to)
    return [send(target, folder, "info", "flotilla: a test", text) for target in targets]


class Postman:
    """Empties an outbox, a few addresses at a time. Call `go` often; it never waits."""

    def __init__(self, outbox: Outbox, folder: Path, fleet: str) -> None:
        self._outbox, self._folder, self._fleet = outbox, folder, fleet
        self._threads = ThreadPoolExecutor(_AT_ONCE, "post")
        self._under_way: dict[Queue, tuple[Future[Went], Sequence[Letter]]] = {}
        self._failures: dict[Queue, int] = {}
        self._again_ns: dict[Queue, int] = {}  # monotonic

    def go(self) -> list[Went]:
        """Take note of what was sent, send what waits, and return what has come to an end."""
        ended = []
        for queue, (sending, letters) in list(self._under_way.items()):
            if sending.done():
                del self._under_way[queue]
                ended.append(self._note(queue, sending.result(), letters))
        for queue in self._outbox.queues():
            if not queue.address and self._due(queue) and (went := self._split(queue)) is not None:
                ended.append(went)
        for queue in self._outbox.queues():
            if queue.address and self._due(queue):
                letters = self._outbox.waiting(queue)
                letters = letters if len(letters) >= _GATHERED else letters[:1]
                message = _as_one(letters, self._fleet)
                job = self._threads.submit(send, queue.target, self._folder, *message, queue.address)
                self._under_way[queue] = job, letters
        return ended

    def close(self) -> None:
        """Let what is under way come to its end; what was not sent is sent the next time."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for queue, (sending, letters) in self._under_way.items():
            if sending.done() and not sending.cancelled():
                self._note(queue, sending.result(), letters)
        self._under_way.clear()

    def _due(self, queue: Queue) -> bool:
        return queue not in self._under_way and monotonic_ns() >= self._again_ns.get(queue, 0)

    def _split(self, queue: Queue) -> Went | None:
        """Owe the letters of a target to each of its addresses; return what kept us from it, if anything."""
        try:
            count = len(addresses(queue.target, self._folder))
        except ConfigError as error:
            return self._later(queue, Went(queue.target, False, str(error)))
        self._failures.pop(queue, None)
        self._outbox.split(queue.target, count)
        return None

    def _note(self, queue: Queue, went: Went, letters: Sequence[Letter]) -> Went:
        if not went.ok:
            return self._later(queue, went)
        self._outbox.sent(letters, queue.address)
        self._failures.pop(queue, None)
        self._again_ns.pop(queue, None)
        return went

    def _later(self, queue: Queue, went: Went) -> Went:
        failures = self._failures[queue] = self._failures.get(queue, 0) + 1
        wait_s = min(_FIRST_S * 2 ** min(failures - 1, 16), _MOST_S) * random.uniform(0.5, 1.0)  # noqa: S311
        self._again_ns[queue] = monotonic_ns() + int(wait_s * 1e9)
        return went


def _as_one(letters: Sequence[Letter], fleet: str) -> tuple[str, str, str]:
    """Return severity, title and body of one message for letters."""
    if len(letters) == 1:
        (letter,) = letters
        return (
            letter.severity,
            f"[{fleet}] {letter.title}",
            f"{letter.body}\n(message {letter.number})".strip(),
        )
    worst = max(letters, key=lambda letter: [*_KINDS].index(letter.severity)).severity
    lines = [line for letter in letters for line in (letter.title, *letter.body.splitlines())]
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], f"and {len(lines) - _LINES} lines more"]
    numbers = f"(messages {letters[0].number} to {letters[-1].number})"
    return (
        worst,
        f"[{fleet}] {len(letters)} messages that could not be sent before",
        "\n".join([*lines, numbers]),
    )


def _shut_logs() -> None:
    for name in ("apprise", "requests", "urllib3"):  # the path of a web hook is its secret
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
