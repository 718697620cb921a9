"""What a process says to whoever started it: systemd's NOTIFY_SOCKET protocol, in a few lines.

Running is not ready: a role says `ready()` once it can serve, and only then is started
what depends on it. Started by hand, with nobody listening, it says it to nobody. The same
role can be run by systemd (Type=notify) as it is.
"""

from __future__ import annotations

import os
import socket


def ready() -> None:
    """Say that this process can serve now."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
            speaker.sendto(b"READY=1", address.replace("@", "\0", 1) if address[0] == "@" else address)
