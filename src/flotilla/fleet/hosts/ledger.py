"""What an agent must not forget: who commands it, what it has done, what runs, and what it has yet to tell.

One file, replaced whole before anything of it is said aloud. So whatever moment an agent dies at, the next
one knows which orders are carried out, and a head hears of everything, once.

One that is damaged is put aside, never taken for an empty one: what runs is found by other means (adopt.py).

Fence: a head has a generation. Who comes with an older one, or as another with the same, is refused; a newer
one is obeyed from then on, and the older one's orders, wherever they still are, are worth nothing. The number
is on the disk before the newer one is welcomed, in a file of its own too: it outlives the rest.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from flotilla.clock import now_ns
from flotilla.errors import ProcessError
from flotilla.fleet.folder import FleetState, Kept, number_in
from flotilla.fleet.hosts.wire import Do, Ended, Hello, Running, Told, Welcome, What
from flotilla.stream.files import write_whole

MOST = 1000  # things to tell that are kept; a head that missed more asks what runs


class Process(Struct, frozen=True):
    """The first process of a run. log_at: where in its log the run begins.

    health_check_interval: as its order had it; None where that is not known.
    """

    run: str
    pid: int
    start_ticks: int
    generation: int
    ready: bool = False
    log_at: int = 0
    health_check_interval: float | None = None


class _Book(Struct):
    epoch: str
    generation: int = 0
    token: str = ""
    done: int = 0
    seq: int = 0
    runs: dict[str, Process] = {}
    ended: dict[str, Ended] = {}
    told: list[Told] = []


class Ledger:
    """The agent's memory, in the file at `path`. ProcessError where none of it can be known, or kept."""

    def __init__(self, path: Path) -> None:
        self._path, self._fence = path, path.with_suffix(".generation")
        self.damaged = ""  # what is to be said of a memory that was put aside
        try:
            self._book = msgspec.json.decode(path.read_bytes(), type=_Book)
        except FileNotFoundError:
            self._book = self._new()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._put_aside(error)
        self._kept = True
        self.waiting: dict[str, str] = {}  # by platform: the run that is yet to start; of this agent alone
        self.trouble = ""  # why the latest of it is not on the disk

    def _new(self) -> _Book:
        return _Book(secrets.token_hex(8))

    def _put_aside(self, error: Exception) -> None:
        """Begin anew, by the fence that is left. The file is never not there: that would mean no fence."""
        try:
            generation = number_in(self._fence)
        except ProcessError as without:
            raise ProcessError(f"{self._path} is damaged, and {without}") from without
        aside = self._path.with_name(f"{self._path.name}.damaged-{now_ns()}")
        self._book = self._new()
        self._book.generation = generation
        write_whole(aside, self._path.read_bytes())
        write_whole(self._path, msgspec.json.encode(self._book))
        self.damaged = (
            f"what this host's agent kept is damaged, and put aside as {aside.name}: {error}; no head older "
            f"than generation {generation} is obeyed"
        )

    @property
    def generation(self) -> int:
        """Return the generation of the head that commands."""
        return self._book.generation

    @property
    def done(self) -> int:
        """Return the number of the last order that was carried out."""
        return self._book.done

    @property
    def runs(self) -> dict[str, Process]:
        """Return what runs, as far as is known."""
        return self._book.runs

    @property
    def state(self) -> FleetState:
        """Return what runs as adopt.py wants it."""
        kept = {name: Kept(one.pid, one.start_ticks, one.generation) for name, one in self._book.runs.items()}
        return FleetState(self._book.generation, platforms=kept)

    def admit(self, hello: Hello) -> bool:
        """Let a head command from now on; return whether it is a new one. ProcessError says why not."""
        book = self._book
        if hello.generation < book.generation:
            raise ProcessError(
                f"a head of generation {book.generation} commands here, and this one's is "
                f"{hello.generation}: it was replaced. If its run folder was lost, remove {self._path} "
                "while the agent is down"
            )
        if hello.generation == book.generation and book.token not in ("", hello.token):
            raise ProcessError(f"another head of generation {book.generation} commands here")
        if book.token == hello.token:
            return False
        # A new head asks what runs: what its predecessor had yet to hear is in that, but for alerts.
        alerts = [told for told in book.told if told.what == "alert"]
        new = replace(book, generation=hello.generation, token=hello.token, done=0, told=alerts)
        try:
            write_whole(self._fence, str(new.generation).encode())
            write_whole(self._path, msgspec.json.encode(new))
        except OSError as error:
            raise ProcessError(
                f"no head is taken up that would be forgotten: {self._path} cannot be written: "
                f"{error.strerror or error}"
            ) from error
        self._book, self._kept, self.trouble = new, True, ""
        return True

    def commanded(self, do: Do) -> bool:
        """Return whether an order is to be carried out: not one that was, nor an older head's."""
        return do.generation == self._book.generation and do.n > self._book.done

    def did(self, do: Do) -> None:
        """Remember that an order was carried out."""
        self._book.done = do.n
        self._kept = False

    def began(self, name: str, process: Process) -> None:
        """Remember a process."""
        self._book.runs[name] = process
        self._kept = False

    def ended(self, name: str, code: int | None) -> str:
        """Forget a process that is gone, but not how it ended; return its run."""
        run = self._book.runs.pop(name).run
        self._book.ended[name] = Ended(run, code)
        self._kept = False
        return run

    def tell(
        self, what: What, name: str, run: str, *, pid: int = 0, code: int | None = None, text: str = ""
    ) -> Told:
        """Return what happened, numbered, to be said until a head has got it."""
        self._book.seq += 1
        told = Told(self._book.seq, what, name, run, pid, code, text[:400])
        self._book.told.append(told)
        if len(self._book.told) > MOST:
            self._book.epoch, self._book.told = self._new().epoch, []
        self._kept = False
        return told

    def got(self, seq: int) -> None:
        """Forget what a head knows."""
        before = len(self._book.told)
        self._book.told = [told for told in self._book.told if told.seq > seq]
        self._kept = self._kept and len(self._book.told) == before

    def welcome(self, host: str, hello: Hello) -> Welcome:
        """Return what a head is to know: who runs, and what it has not got."""
        book = self._book
        running = {name: Running(one.run, one.pid, one.ready) for name, one in book.runs.items()}
        knows = hello.epoch == book.epoch
        told = tuple(each for each in book.told if (each.seq > hello.got if knows else each.what == "alert"))
        ended, waiting = dict(book.ended), dict(self.waiting)
        return Welcome(host, book.epoch, book.done, book.seq, running, ended, told, waiting)

    def keep(self) -> None:
        """Write it down, if it has changed. A disk that fails is no reason to stop: see `trouble`."""
        if self._kept:
            return
        try:
            write_whole(self._path, msgspec.json.encode(self._book), durable=False)
            self._kept, self.trouble = True, ""
        except OSError as error:
            self.trouble = f"{self._path} cannot be written: {error.strerror or error}"
