"""The addresses that a fleet's file names, and what is wrong with them. Nothing is looked up or opened here.

http://127.0.0.1:80/x, unix:PATH    where a platform is asked (`place`)
10.0.0.2:8701                       where a port is tried, or a host's agent listens (`host_and_port`)
unix, 127.0.0.1:8700, ...           where the API listens (`api_place`)
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from flotilla.errors import ConfigError
from flotilla.fleet.spec.parts import Api

_API_PLACE = re.compile(r"(?P<host>\[[0-9a-fA-F:]+\]|[0-9.]+|localhost):(?P<port>\d{1,5})")


class Place(NamedTuple):
    """Where an HTTP server listens: a host and port, or a unix socket's path."""

    host: str
    port: int
    path: str  # of the request, with its query
    socket: str = ""


def place(address: str, *, local: bool = False) -> Place:
    """Return where an address leads: "http://host[:port][/path]", or "unix:<path of a socket>".

    ConfigError if it is neither, or, with `local`, if it may lead off this machine.
    """
    if address.startswith("unix:"):
        if not (name := address.removeprefix("unix:")):
            raise ConfigError(f"{address!r} names no socket")
        return Place("localhost", 0, "", name)
    parts = urlsplit(address)
    if parts.scheme != "http" or not parts.hostname or parts.username is not None:
        raise ConfigError(f"{address!r} is not of the form http://host[:port][/path] or unix:<path>")
    if not (address.isascii() and address.isprintable() and " " not in address):
        raise ConfigError(f"{address!r} holds what an address cannot")
    try:
        port = parts.port or 80
    except ValueError as error:
        raise ConfigError(f"{address!r}: {error}") from None
    host = _literal(parts.hostname, address)
    if local and not ipaddress.ip_address(host).is_loopback:
        raise ConfigError(f"{address!r} is not on this machine: write 127.0.0.1, or unix:<path>")
    query = f"?{parts.query}" if parts.query else ""
    return Place(host, port, parts.path + query)


def host_and_port(address: str) -> tuple[str, int]:
    """Return the parts of "host:port"; ConfigError if it is no such thing."""
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65_536:
        raise ConfigError(f"{address!r} is not of the form host:port")
    return _literal(host, address), int(port)


class ApiPlace(NamedTuple):
    """Where to listen. host is empty for a unix socket."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Return whether only this machine can reach it."""
        return self.host != "" and ipaddress.ip_address(self.host).is_loopback


def api_place(api: Api) -> ApiPlace:
    """Return where `api` says to listen; ConfigError where that would let others in, or is no place."""
    for name in ("certificate", "key", "ca"):
        file = getattr(api, name)
        if file is not None and not Path(file).is_absolute():
            raise ConfigError(f"api.{name}: should be an absolute path, it is {file!r}")
    if api.listen == "unix":
        return ApiPlace("", 0)
    match = _API_PLACE.fullmatch(api.listen)
    if match is None or int(match["port"]) > 65_535:
        raise ConfigError(f"api.listen: {api.listen!r} is neither unix nor ADDRESS:PORT, as 127.0.0.1:8700")
    host = "127.0.0.1" if match["host"] == "localhost" else match["host"].strip("[]")
    try:
        found = ApiPlace(str(ipaddress.ip_address(host)), int(match["port"]))
    except ValueError as error:
        raise ConfigError(f"api.listen: {error}") from error
    if not found.loopback and not (api.certificate and api.key):
        raise ConfigError(
            f"api.listen: {api.listen} can be reached from other machines, and anybody between could read "
            "the tokens. Give api.certificate and api.key (TLS), or listen at unix or 127.0.0.1"
        )
    if not found.loopback and not api.names:
        raise ConfigError("api.names: say by which host names the API is asked; others are refused")
    return found


def _literal(host: str, address: str) -> str:
    # A name would be looked up by a thread, and a process with threads may not fork as ours does.
    try:
        return str(ipaddress.ip_address("127.0.0.1" if host == "localhost" else host))
    except ValueError:
        raise ConfigError(f"{address!r}: write {host!r} as a number, such as 127.0.0.1") from None
