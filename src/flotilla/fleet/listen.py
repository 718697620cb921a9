"""The socket that the API is heard at. Nobody from elsewhere gets in unasked.

    unix                 api.sock in the run folder, 0600: for its owner alone
    127.0.0.1:8700       loopback; [::1]:8700 and localhost:8700 too; port 0 is any that is free
    0.0.0.0:8700         other addresses: with certificate and key only (TLS)

The supervisor holds the socket and starts the API when somebody knocks, so this imports nothing heavy.
"""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import suppress
from pathlib import Path

from flotilla.access.key_file import private
from flotilla.errors import ConfigError
from flotilla.fleet.spec import Api
from flotilla.fleet.spec.addresses import ApiPlace, api_place

_BACKLOG = 128


def opened(api: Api, unix: Path) -> socket.socket:
    """Return the listening socket, not inherited unless asked. unix: where the unix socket lies."""
    where = api_place(api)
    if api.certificate or api.key:
        tls(api)  # a mistake in it is told now, not at the first knock
    listener = _unix(unix) if not where.host else _tcp(where)
    listener.setblocking(False)
    return listener


def hosts(api: Api, listener: socket.socket) -> frozenset[str]:
    """Return the Host headers that are meant for this API, in small letters."""
    if listener.family == socket.AF_UNIX:
        return frozenset({"localhost", "flotilla", "fleet"})  # no browser gets here: any name would do
    port = listener.getsockname()[1]
    names = {name.lower() for name in api.names}
    if api_place(api).loopback:
        names |= {"localhost", "127.0.0.1", "[::1]"}
    return frozenset(names | {f"{name}:{port}" for name in names})


def tls(api: Api) -> ssl.SSLContext | None:
    """Return the TLS that `api` asks for, None where it asks for none; ConfigError where it cannot be."""
    if not api.certificate and not api.key and not api.ca:
        return None
    if not api.certificate or not api.key:
        raise ConfigError("api.certificate and api.key belong together")
    private(Path(api.key), "api.key names the key of api.certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(api.certificate, api.key, password=lambda: "")
        if api.ca:  # who asks shows a certificate too
            context.load_verify_locations(api.ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(f"api.certificate, api.key or api.ca cannot be used: {error}") from error
    return context


def _unix(path: Path) -> socket.socket:
    with suppress(FileNotFoundError):
        path.unlink()  # of an earlier supervisor; the fence says that none lives
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(f"the API cannot listen at {path}: {error.strerror or error}") from error
    finally:
        os.umask(before)
    return listener


def _tcp(where: ApiPlace) -> socket.socket:
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((where.host, where.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(f"the API cannot listen at {where.host}:{where.port}: {error.strerror}") from error
    return listener
