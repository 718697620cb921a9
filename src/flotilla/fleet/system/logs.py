"""Logs of platforms, which write them by themselves: no death of ours loses a line.

A platform's output goes to `<name>.log`, opened for appending. To rotate a file that somebody else writes:

1. copy whole lines [base, cut) into a segment, `<name>.log.<base>-<cut>`: written, synced, renamed
   (`rotation`);
2. punch a hole into the live file there. Its length stays, so what is appended meanwhile is appended, and an
   offset is the same place for ever;
3. drop the oldest segments.

Killed after any step, the next rotation goes on from the names of the segments: `base` is where the newest
ends, and nobody reads what lies before it in the live file. So a line is never lost, nor read twice.

`ls -l` shows the length with its holes; `du` shows what is really there.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from flotilla.errors import ProcessError

MEGA = 1 << 20
_STEP = 1 << 20  # bytes that are copied at once: the loop that drives us waits no longer
_CHUNK = 1 << 16
STARTING = "starting: generation "  # what the line says that a run begins with
_KEEP_SIZE, _PUNCH_HOLE = 1, 2
_SEGMENT = re.compile(r"(\d+)-(\d+)")


class NotSupported(ProcessError):
    """The file system cannot punch holes: its logs grow until somebody moves them away."""


class Segment(NamedTuple):
    """A rotated part of a log: the bytes [base, cut) of all that was ever written."""

    base: int
    cut: int
    path: Path


def open_log(path: Path, access: int = os.O_WRONLY) -> int:
    """Return a descriptor that a child may have as stdout and stderr. Made with its folder if need be."""
    flags = access | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        for folder in reversed(path.parents):  # one by one: with `parents` the mode is the last one's alone
            folder.mkdir(mode=0o700, exist_ok=True)
        return os.open(path, flags, 0o600)


def start_of_run(path: Path) -> int:
    """Return the offset after the line that the latest run begins with, 0 where there is none."""
    log, line, after = LogFile(path), f"-- {STARTING}".encode(), b""
    at, begin = log.end(), log.begin()
    while at > begin:
        before = max(begin, at - _CHUNK)
        text = b"".join(log.between(before, at)) + after
        found = text.rfind(b"\n" + line) + 1
        if found or text.startswith(line):
            return before + text.index(b"\n", found) + 1
        at, after = before, text[: len(line) + 24]  # the number and the end of the line
    return 0


def mark(path: Path, text: str) -> None:
    """Append a line of ours, after the end of a line that a death cut short."""
    descriptor = open_log(path, os.O_RDWR)
    try:
        size = os.fstat(descriptor).st_size
        open_line = size > 0 and os.pread(descriptor, 1, size - 1) not in (b"\n", b"\0", b"")
        os.write(descriptor, f"{chr(10) if open_line else ''}-- {text}\n".encode())
    finally:
        os.close(descriptor)


def segments_of(path: Path) -> list[Segment]:
    """Return the rotated parts of a log, oldest first."""
    head, found = f"{path.name}.", []
    with suppress(FileNotFoundError), os.scandir(path.parent) as entries:
        for entry in entries:
            if entry.name.startswith(head) and (match := _SEGMENT.fullmatch(entry.name, len(head))):
                found.append(Segment(int(match[1]), int(match[2]), Path(entry.path)))
    return sorted(found)


def due(path: Path, rotate_mb: float) -> bool:
    """Return whether a log takes more of the disk than `rotate_mb`: one stat."""
    try:
        return path.stat().st_blocks * 512 > rotate_mb * MEGA
    except FileNotFoundError:
        return False


def rotation(path: Path, rotate_mb: float, keep: int) -> Iterator[None]:
    """Rotate a log, a little at each step; the last `keep` segments stay.

    For a loop that has other things to do: between two steps it may do them, and it may stop for good.
    NotSupported where a hole cannot be punched; nothing is lost then, and nothing is freed.
    """
    most = int(rotate_mb * MEGA)
    with path.open("r+b") as log:
        source = log.fileno()
        while True:
            base = _base(path)
            if base > 0:
                punch(source, base)  # of a rotation that was cut short, it may not be done
            cut = _cut(source, base, most)
            if cut <= base:
                return
            yield
            yield from _copied(source, base, cut, path)
            punch(source, cut)
            for old in segments_of(path)[: -max(keep, 1)]:
                old.path.unlink(missing_ok=True)
            yield
            if os.fstat(source).st_size - cut <= most:
                return


def _copied(source: int, base: int, cut: int, path: Path) -> Iterator[None]:
    """Make the segment [base, cut), whole or not at all."""
    beside = path.with_name(f"{path.name}.rotating")
    target = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        at = base
        while at < cut:
            at += os.write(target, os.pread(source, min(_STEP, cut - at), at))
            os.fdatasync(target)
            yield
        os.fsync(target)
    finally:
        os.close(target)
    beside.rename(path.with_name(f"{path.name}.{base:012d}-{cut:012d}"))
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)  # the segment has its name before its bytes are punched away
    finally:
        os.close(folder)


def punch(descriptor: int, end: int) -> None:
    """Free the bytes [0, end) of a file and leave its length; NotSupported where that cannot be done."""
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.fallocate(
        ctypes.c_int(descriptor),
        ctypes.c_int(_KEEP_SIZE | _PUNCH_HOLE),
        ctypes.c_int64(0),
        ctypes.c_int64(end),
    )
    if done != 0:
        code = ctypes.get_errno()
        if code in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
            raise NotSupported(
                "the file system of the run folder cannot punch holes, so logs are not rotated"
            )
        raise OSError(code, os.strerror(code))


class LogFile:
    """All that a platform ever wrote and that is still kept, by offset."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def end(self) -> int:
        """Return the offset after the last byte."""
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def begin(self) -> int:
        """Return the offset of the first byte that is kept."""
        segments = segments_of(self._path)
        return segments[0].base if segments else _base(self._path)

    def read(self, at: int, most: int = _CHUNK) -> tuple[int, bytes]:
        """Return where bytes were found, `at` or after what is gone, and at most `most` of them."""
        while True:
            segments = segments_of(self._path)
            first = segments[0].base if segments else _base(self._path)
            at = max(at, first)
            inside = next((segment for segment in segments if segment.base <= at < segment.cut), None)
            try:
                if inside is not None:
                    with inside.path.open("rb") as file:
                        return at, os.pread(file.fileno(), most, at - inside.base)
                with self._path.open("rb") as file:
                    found = os.pread(file.fileno(), most, at)
            except FileNotFoundError:
                if inside is None:
                    return at, b""
                continue  # dropped since we looked
            if not any(segment.cut > at for segment in segments_of(self._path)):
                return at, found
            # It was rotated while we read, so what we read may be the hole: look again.

    def last(self, count: int) -> tuple[int, list[str], str]:
        """Return the last `count` lines: the offset after them, they, and what has no end of line yet."""
        end, begin = self.end(), self.begin()
        at, text = end, b""
        while at > begin and text.count(b"\n") <= count:
            before = max(begin, at - _CHUNK)
            text = b"".join(self.between(before, at)) + text
            at = before
        *lines, rest = text.split(b"\n")
        return end - len(rest), [_text(line) for line in lines[-count:]] if count else [], _text(rest)

    def between(self, at: int, end: int) -> Iterator[bytes]:
        """Yield the bytes [at, end), as far as they are there."""
        while at < end:
            at, part = self.read(at, end - at)
            if not part:
                return
            yield part
            at += len(part)


def end_of(log: Path, count: int = 20) -> str:
    """Return the last `count` lines of a log, a line each, or that there are none: the end of a message."""
    _, lines, rest = LogFile(log).last(count)
    said = [f"    {line}" for line in [*lines, rest] if line]
    return "\n".join([f"the last lines of {log}:", *said]) if said else f"it said nothing: {log} is empty"


class Follower:
    """Whole lines of several logs as they are written. paths: by the platform's name."""

    def __init__(self, paths: Mapping[str, Path], at: Mapping[str, int] | None = None) -> None:
        self._logs = {name: LogFile(path) for name, path in paths.items()}
        self._at = {name: (at or {}).get(name, 0) for name in paths}
        self._rest = dict.fromkeys(paths, b"")

    def lines(self) -> list[tuple[str, str]]:
        """Return the lines that were ended since the last call, each with its platform; does not wait."""
        found = []
        for name, log in self._logs.items():
            found += [(name, line) for line in self._more(name, log)]
        return found

    def rest(self) -> list[tuple[str, str]]:
        """Return what was written without an end of line, once nobody writes any more."""
        found = [(name, _text(rest)) for name, rest in self._rest.items() if rest]
        self._rest = dict.fromkeys(self._rest, b"")
        return found

    def _more(self, name: str, log: LogFile) -> list[str]:
        if self._at[name] > log.end():  # it was replaced: what is there now is new
            self._at[name], self._rest[name] = 0, b""
        lines: list[str] = []
        for _ in range(16):  # one that writes without end does not keep us from the others
            at, part = log.read(self._at[name])
            if not part:
                break
            if at > self._at[name] and self._rest[name]:
                lines.append(_text(self._rest[name]))
                self._rest[name] = b""
            self._at[name] = at + len(part)
            *whole, self._rest[name] = (self._rest[name] + part).split(b"\n")
            lines += [_text(line) for line in whole]
        return lines


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")


def _base(path: Path) -> int:
    """Return the first offset whose byte is the live file's own."""
    if segments := segments_of(path):
        return segments[-1].cut
    try:
        with path.open("rb") as file:
            return _after_hole(file.fileno())
    except FileNotFoundError:
        return 0


def _after_hole(descriptor: int) -> int:
    """Return where the bytes begin in a file whose segments somebody took away.

    A hole is of whole blocks; what is punched of the next one reads as zeros.
    """
    try:
        at = os.lseek(descriptor, 0, os.SEEK_DATA)
    except OSError:  # empty, or all of it is hole
        return os.lseek(descriptor, 0, os.SEEK_END)
    if at == 0:
        return 0
    block = os.pread(descriptor, _CHUNK, at)
    return at + len(block) - len(block.lstrip(b"\0"))


def _cut(descriptor: int, base: int, most: int) -> int:
    """Return where to cut: after the last whole line, or after `most` bytes of lines if there is far more."""
    end = os.fstat(descriptor).st_size
    limit = base + most if end - base > 2 * most > 0 else end
    at = limit
    while at > base:
        before = max(base, at - _CHUNK)
        if (found := os.pread(descriptor, at - before, before).rfind(b"\n")) >= 0:
            return before + found + 1
        at = before
    return limit if limit < end else base  # a line longer than `most` is cut in two, and read as one
