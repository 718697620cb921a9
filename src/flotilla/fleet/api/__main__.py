"""`python -m flotilla.fleet.api <run folder> [--fd N]`: serve the API of a fleet until nobody asks any more.

The supervisor holds the listening socket, starts this when somebody knocks, and hands it the socket as
descriptor N. With nobody asking for `api.idle_stop` seconds it goes; the next knock starts another. Without
--fd it listens by itself and stays.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import resource
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from flotilla import notify
from flotilla.access.front import Front
from flotilla.access.timeouts import Impatient
from flotilla.clock import monotonic_ns
from flotilla.errors import FlotillaError
from flotilla.fleet import listen, spec
from flotilla.fleet.api.app import build
from flotilla.fleet.folder import Folder
from flotilla.fleet.spec import Api

_LOOK_S = 0.5


def main(argv: list[str] | None = None) -> int:
    """Serve; return 0 when it is over, 1 where it could not begin."""
    parser = argparse.ArgumentParser(prog="python -m flotilla.fleet.api", description=__doc__)
    parser.add_argument("folder", type=Path, help="the run folder of the fleet")
    parser.add_argument("--fd", type=int, help="the listening socket's descriptor")
    asked = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        folder = Folder(asked.folder)
        api = spec.accepted(folder.fleet_file).api
        own = asked.fd is None
        listener = listen.opened(api, folder.socket("api")) if own else socket.socket(fileno=asked.fd)
        asyncio.run(serve(folder, api, listener, None if own else api.idle_stop))
    except FlotillaError as error:
        sys.stderr.write(f"the API of {asked.folder} cannot be served: {error}\n")
        return 1
    return 0


async def serve(folder: Folder, api: Api, listener: socket.socket, idle_s: float | None) -> None:
    """Serve at `listener` until told to end, or nobody asked for `idle_s`."""
    context = listen.tls(api)
    front = build(folder, listen.hosts(api, listener), "https" if context else "http")
    config = uvicorn.Config(
        front,
        log_config=None,  # ours; and no access log: who asked what is in the audit
        access_log=False,
        lifespan="on",
        ws="none",
        http=Impatient,
        loop="asyncio",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=256,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=2,
        ssl_context_factory=(lambda *_: context) if context else None,
    )
    server = uvicorn.Server(config)
    watching = asyncio.create_task(_watch(server, front, idle_s))
    try:
        await server.serve([listener])
    finally:
        watching.cancel()


async def _watch(server: uvicorn.Server, front: Front, idle_s: float | None) -> None:
    """Say when it serves; end it when nobody asks any more."""
    while not server.started:
        await asyncio.sleep(0.01)
    notify.ready()
    while True:
        notify.alive()
        await asyncio.sleep(_LOOK_S)
        if idle_s is not None and not front.at_work and monotonic_ns() - front.last_ns > idle_s * 1e9:
            server.should_exit = True
            return


def _leave(*_: object) -> None:
    """End well when asked to: uvicorn closes what is open, then hands the signal on to here."""
    sys.exit(0)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold tokens
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    sys.exit(main())
