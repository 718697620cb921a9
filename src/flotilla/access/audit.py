"""Who did what to the fleet, when, why, and how it ended: a log that shows any change made to it.

    <mac> {"seq":7,"ts":...,"who":"cli:ann","action":"stop","target":"feed","why":"...","outcome":"ok"}

1. Each line begins with mac_n = HMAC-SHA256(key, mac_{n-1} || record_n), so a record that was changed, taken
   out, put in or moved does not fit, nor does anything after it. The key is a file of 0600 beside the log.
2. A chain whose end was cut off would fit. So the number and mac of the last record stand in a second place,
   the anchor, sealed with the same key and written at every append: first the log, then the anchor. After a
   crash between the two the log is ahead of its anchor by what was appended last, whose macs prove that the
   holder of the key wrote it: it verifies. Who needs the record to outlive the machine too, asks to `sync`
   (milliseconds, on many disks); when the power fails before that, the anchor may be found ahead of the log:
   a break.
3. A crash within an append may leave part of a line behind the anchored ones. Opening the log puts it aside
   (`<log>.torn`) and says so in the next record. Anything else that is found at opening becomes a record
   too, a *break*, and no log with a break verifies again, though it goes on: a fleet is not stopped for its
   audit. Move the three files away to begin a new one.

4. The anchor moves (`Chain.move`) while a log is open: the log was compared with the old one at opening, its
   next record says where the anchor is from now on, and the head of that stands in both.

What this cannot see: somebody who has the key and may write the anchor, or who puts back an old log together
with the old anchor. Let the anchor be where that is harder: on another disk, or on another machine's.
"""

from __future__ import annotations

import fcntl
import hmac
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from flotilla import clock
from flotilla.access.audit_key import key_at
from flotilla.errors import StreamError
from flotilla.stream.files import stands_at, sync_folder
from flotilla.words import counted

_BEGINNING = b"flotilla audit log, version 1"
_BREAK = b'"action":"audit broken"'  # quotes within a value are escaped: only the action itself reads so
_LONGEST = 1_000  # characters of one field
_MAC = 64  # hex digits
_ANCHOR = 20 + 1 + _MAC + 1 + _MAC + 1  # bytes: number, mac and seal with a space between, and the line's end
_TAIL = 1 << 20  # bytes from the end in which opening looks for the anchored record
_PAUSE_S = 0.005  # far longer than an append takes


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody did."""

    seq: int  # counts the records, from 1
    ts: int  # ns since 1970, UTC
    who: str  # "cli:<user>", "api:<token's name>", "supervisor"
    action: str
    target: str  # platforms, or what else it was done to
    why: str
    outcome: str


class Deed(NamedTuple):
    """What somebody did, as it is handed in: a record's fields but its number."""

    who: str
    action: str
    target: str
    why: str
    outcome: str
    ts: int = 0  # ns since 1970, UTC; 0: now


class Verdict(NamedTuple):
    """What verifying a log found."""

    ok: bool
    records: int  # that fit, from the first on
    what: str  # for a person: what is wrong, and where


_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder(AuditRecord).decode


class Chain:
    """The one writer of an audit log."""

    def __init__(self, path: Path, key: Path, anchor: Path) -> None:
        """Open the log at `path`; all three files are made, 0600, where there are none."""
        self._key = key_at(key, make=True)
        self._log = _claimed(path)
        self._folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._anchor = _opened(anchor, os.O_RDWR)
        self.found = ""  # what was wrong when it was opened, empty where nothing was
        self._failed = ""
        self._sure = 0  # the last record that is no part of the append that failed
        self._first: tuple[Deed, ...] = ()  # what the next append says before anything else
        self._path = path
        self._seq, self._mac = 0, _beginning(self._key)
        if self._take_up():
            self.append_all(())

    def append(
        self, who: str, action: str, target: str, why: str, outcome: str, *, sync: bool = False
    ) -> int:
        """Append what was done and return its number; `StreamError` where the disk would not have it.

        After that the next append looks what became of it, puts a torn line aside, says so, and goes on.
        sync: wait until the disk has it, and all before it. A command's record is worth that; a transition's
        is not, for it would hold up a restart.
        """
        return self.append_all([Deed(who, action, target, why, outcome)], sync=sync)

    def append_all(self, deeds: Sequence[Deed], *, sync: bool = False) -> int:
        """As `append`, of all that was done at once; return the number of the last."""
        # Where the whole folder was taken away, what stands in its place is another's.
        if stands_at(self._folder, self._path.parent) and not stands_at(self._log, self._path):
            anew = _claimed(self._path)  # what follows is not lost, and that it was is a break
            os.close(self._log)
            self._log, self._failed = anew, "the log was moved or removed"
        self.mend()
        self._sure = self._seq + len(self._first)
        seq, mac, lines = self._seq, self._mac, []
        for deed in (*self._first, *deeds):
            seq += 1
            who, action, target, why, outcome = map(_short, deed[:-1])
            ts = deed.ts or clock.now_ns()
            record = AuditRecord(
                seq=seq, ts=ts, who=who, action=action, target=target, why=why, outcome=outcome
            )
            body = _to_json(record)
            mac = _chained(self._key, mac, body)
            lines.append(mac + b" " + body + b"\n")
        try:
            _write_whole(self._log, b"".join(lines))
            if sync:
                os.fdatasync(self._log)  # before the anchor, which must not say more than the disk has
            self._seq, self._mac = seq, mac
            self._write_anchor()
        except OSError as error:
            self._failed = str(error)  # nobody knows now what the disk holds: the next one looks
            raise StreamError(f"the audit log cannot be written: {error}") from error
        self._first = ()
        return seq

    def mend(self) -> int:
        """After an append that failed, go on from what the disk holds; `StreamError` where that cannot be.

        Return how many of the deeds that were handed to it are in the log all the same.
        """
        if not self._failed:
            return 0
        self._take_up(self._failed)
        self._failed = ""
        return max(self._seq - self._sure, 0)

    def move(self, anchor: Path) -> None:
        """Write the head down at another place from now on; a record says so.

        StreamError where that cannot be, or something else stands there: the head stays where it is.
        """
        there = _opened(anchor, os.O_RDWR)
        try:
            found = os.pread(there, _ANCHOR + 1, 0)
            if found and _unsealed(self._key, found) is None:
                raise StreamError(f"{anchor} holds something else than an anchor of this log")
            self.append(
                "supervisor", "audit anchor", str(anchor), "the fleet's file names it", "moved", sync=True
            )
            os.pwrite(there, _sealed(self._key, self._seq, self._mac), 0)
            os.fsync(there)
        except OSError as error:
            raise StreamError(f"{anchor} cannot be written: {error.strerror}") from error
        else:
            there, self._anchor = self._anchor, there
        finally:
            os.close(there)

    def close(self) -> None:
        """Close the files and let another process have the log."""
        os.close(self._log)
        os.close(self._folder)
        os.close(self._anchor)

    def _write_anchor(self) -> None:
        # In place and in one write of less than a sector: it is the old one or the new one.
        os.pwrite(self._anchor, _sealed(self._key, self._seq, self._mac), 0)

    def _take_up(self, failed: str = "") -> bool:
        """Go on from what the disk holds; return whether there is something to say. failed: why we look."""
        self._seq, self._mac = 0, _beginning(self._key)
        try:
            torn = self._resume(self._path)
        except OSError as error:
            raise StreamError(f"the audit log cannot be taken up: {error}") from error
        what, us = f"{failed or 'a crash'}; {counted(torn, 'byte')} of a torn line put aside", self._path.name
        mended = Deed("supervisor", "audit mended", us, what, "went on")
        broken = Deed("supervisor", "audit broken", us, self.found, "went on")
        self._first = (*((mended,) if torn or failed else ()), *((broken,) if self.found else ()))
        return bool(self._first)

    def _resume(self, path: Path) -> int:
        """Go on from the last record; note what is wrong; return the bytes of a torn line, now put aside."""
        anchored = _unsealed(self._key, os.pread(self._anchor, _ANCHOR + 1, 0))
        size = os.fstat(self._log).st_size
        if anchored is None and size == 0 and os.fstat(self._anchor).st_size == 0:
            self._write_anchor()  # all is new
            return 0
        tail = os.pread(self._log, _TAIL, max(size - _TAIL, 0))
        lines = tail.split(b"\n")
        torn = lines.pop()
        if torn:
            self._put_aside(path, torn, size)
        try:
            if lines:
                mac, _, body = lines[-1].partition(b" ")
                self._seq, self._mac = _from_json(body).seq, mac
        except msgspec.MsgspecError:
            self.found = "the last record cannot be read"
            self._seq, self._mac = anchored or (self._seq, self._mac)
            return len(torn)
        self.found = self._compared(anchored, lines)
        return len(torn)

    def _compared(self, anchored: tuple[int, bytes] | None, lines: list[bytes]) -> str:
        """Return what is wrong with the log's end: the anchored record, and at most what follows it."""
        if anchored is None:
            return "the anchor is missing or damaged"
        ahead = self._seq - anchored[0]
        if ahead < 0:
            return f"the log ends after record {self._seq}, and the anchor says {anchored[0]}"
        mac = anchored[1]
        for line in lines[max(len(lines) - ahead, 0) :]:
            mac = _chained(self._key, mac, line[_MAC + 1 :])
        return "" if mac == self._mac else f"what follows record {anchored[0]} does not fit the anchor"

    def _put_aside(self, path: Path, torn: bytes, size: int) -> None:
        with suppress(OSError):  # the record of it is worth more than the piece itself
            aside = _opened(path.with_name(path.name + ".torn"), os.O_WRONLY | os.O_APPEND)
            os.write(aside, torn + b"\n")
            os.close(aside)
        os.ftruncate(self._log, size - len(torn))


def verify(path: Path, key: Path, anchor: Path) -> Verdict:
    """Return whether the log at `path` is whole and as it was written; it may be in use meanwhile.

    `ConfigError` where the key cannot be had. Every line is checked, some 400,000 in a second.
    """
    secret = key_at(key, make=False)
    log, anchored = _seen(path, secret, anchor)
    if anchored is None or not log.endswith(b"\n"):  # caught, perhaps, in the middle of an append
        clock.sleep(_PAUSE_S)
        log, anchored = _seen(path, secret, anchor)
    return _verified(secret, log, anchored)


def _seen(path: Path, secret: bytes, anchor: Path) -> tuple[bytes, tuple[int, bytes] | None]:
    anchored = _unsealed(secret, _content(anchor)[: _ANCHOR + 1])  # first: the log may grow meanwhile
    return _content(path), anchored


def read_audit(path: Path, from_seq: int = 1, limit: int = 1_000) -> list[AuditRecord]:
    """Return at most `limit` records from number `from_seq` on. It does not verify them."""
    try:
        with path.open("rb") as log:
            wanted = islice(enumerate(_whole(log), 1), from_seq - 1, from_seq - 1 + limit)
            return [_legible(number, line[_MAC + 1 :]) for number, line in wanted]
    except OSError as error:
        raise StreamError(f"{path} cannot be read: {error.strerror}") from error


def _legible(number: int, body: bytes) -> AuditRecord:
    try:
        return _from_json(body)
    except msgspec.MsgspecError:  # those around it can be read still
        return AuditRecord(seq=number, ts=0, who="?", action="?", target="?", why="?", outcome="damaged")


def _whole(log: Iterable[bytes]) -> Iterator[bytes]:
    return (line for line in log if line.endswith(b"\n"))


def _verified(secret: bytes, log: bytes, anchored: tuple[int, bytes] | None) -> Verdict:
    if anchored is None:
        return Verdict(False, 0, "the anchor is missing or damaged")
    lines = log.split(b"\n")
    torn = lines.pop()
    mac, number, broken = _beginning(secret), 0, 0
    digest, at_anchor = hmac.digest, mac if anchored[0] == 0 else b""
    for line in lines:
        expected = digest(secret, mac + line[_MAC + 1 :], "sha256").hex().encode()
        if line[: _MAC + 1] != expected + b" ":
            return Verdict(False, number, f"record {number + 1} is not what was written there")
        mac, number = expected, number + 1
        if number == anchored[0]:
            at_anchor = mac
        if not broken and _BREAK in line:
            broken = number
    if number < anchored[0]:
        return Verdict(
            False, number, f"the log ends after record {number}, and the anchor says {anchored[0]}"
        )
    if at_anchor != anchored[1]:
        return Verdict(False, number, f"record {anchored[0]} is not the one that was anchored")
    if torn:
        return Verdict(
            False, number, f"part of a line stands behind record {number}; starting the fleet puts it aside"
        )
    if broken:
        why = _from_json(lines[broken - 1][_MAC + 1 :]).why
        return Verdict(False, number, f"record {broken} tells of a break: {why}")
    return Verdict(True, number, f"{number} records, each as it was written")


def _beginning(secret: bytes) -> bytes:
    return _chained(secret, b"", _BEGINNING)


def _chained(secret: bytes, before: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, before + body, "sha256").hex().encode()


def _sealed(secret: bytes, seq: int, mac: bytes) -> bytes:
    head = b"%020d %s" % (seq, mac)
    return head + b" " + _chained(secret, b"anchor ", head) + b"\n"


def _unsealed(secret: bytes, content: bytes) -> tuple[int, bytes] | None:
    """Return the number and mac that an anchor says, None where it is not one of ours as it was written."""
    number, _, rest = content.partition(b" ")
    mac = rest[:_MAC]
    if not number.isdigit() or content != _sealed(secret, int(number), mac):
        return None
    return int(number), mac


def _opened(path: Path, flags: int) -> int:
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StreamError(f"{path} cannot be opened: {error.strerror}") from error
    sync_folder(path.parent)
    return descriptor


def _claimed(path: Path) -> int:
    log = _opened(path, os.O_RDWR | os.O_APPEND)
    try:
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(log)
        raise StreamError(f"{path} has a writer already") from None
    return log


def _write_whole(descriptor: int, content: bytes) -> None:
    written = os.write(descriptor, content)
    if written != len(content):
        raise OSError(f"the disk took {written} of {len(content)} bytes")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise StreamError(f"{path} cannot be read: {error.strerror}") from error


def _short(text: str) -> str:
    # A lone surrogate, as file names may bring, would not be UTF-8.
    clean = text if text.isascii() else text.encode(errors="replace").decode()
    return clean if len(clean) <= _LONGEST else clean[: _LONGEST - 1] + "…"
