"""What managers are given to run: children that say when they begin, and some that misbehave."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from bench.records import WrongValue

# As little as can be between exec and the word: the figure is the manager's, not an interpreter's.
_TELLS_C = r"""
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **words) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strncpy(to.sun_path, words[1], sizeof to.sun_path - 1);
    char text[64];
    int size = snprintf(text, sizeof text, "%d %lld", getpid(), now.tv_sec * 1000000000LL + now.tv_nsec);
    int mouth = socket(AF_UNIX, SOCK_DGRAM, 0);
    sendto(mouth, text, size, 0, (struct sockaddr *)&to, sizeof to);
    close(mouth);
    for (;;) pause();
}
"""
_TELLS_PYTHON = """
import time; now = time.monotonic_ns()
import os, signal, socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"%d %d" % (os.getpid(), now), sys.argv[1])
while True: signal.pause()
"""
BEATS = """
import os, socket, time
to = os.environ["NOTIFY_SOCKET"]
mouth = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
mouth.sendto(b"READY=1", to)
while True:
    time.sleep(int(os.environ["WATCHDOG_USEC"]) / 2e6)
    mouth.sendto(b"WATCHDOG=1", to)
"""
SLEEPS = ("sleep", "1000000")
DIES = ("false",)


class Word(NamedTuple):
    """What a child said as it began."""

    pid: int
    monotonic_ns: int


class Ears:
    """Hears children begin."""

    def __init__(self, folder: Path) -> None:
        self._path = (folder / "ears").resolve()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._path))

    def argv(self) -> tuple[str, ...]:
        """Return the command that tells us."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            return (sys.executable, "-I", "-S", "-c", _TELLS_PYTHON, str(self._path))
        program = self._path.with_name("tells")
        if not program.exists():
            command = [compiler, "-O2", "-x", "c", "-", "-o", str(program)]
            subprocess.run(command, input=_TELLS_C.encode(), check=True)
        return (str(program), str(self._path))

    def hear(self, timeout_s: float = 30.0) -> Word:
        """Return the next word; WrongValue if none comes."""
        self._socket.settimeout(timeout_s)
        try:
            pid, ns = self._socket.recv(64).split()
        except TimeoutError:
            raise WrongValue(f"no child began within {timeout_s:g} s") from None
        return Word(int(pid), int(ns))

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()
