"""Who a head and an agent are to one another: certificates of one small authority, by TLS 1.3, both ways.

A folder of keys (`flotilla fleet keys` makes one) holds `ca.pem`, and at the head `head.pem` and `head.key`,
on a host `NAME.pem` and `NAME.key`. What each may be stands in its certificate: the head's is for clients
only, a host's for a server of that name only. So the key of one host orders nothing on another, and nobody is
taken for a host by standing at its address. There is no connection without.

TLS and not ZeroMQ's CURVE: asyncio has loaded it already, so it costs a supervisor no memory, and no thread.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from flotilla.access.key_file import private
from flotilla.errors import ConfigError
from flotilla.fleet.spec import HEAD

AUTHORITY = "ca"


def head(keys: Path) -> ssl.SSLContext:
    """Return the TLS by which a head asks. ConfigError where its keys are not there, or not its alone."""
    return _context(keys, HEAD, ssl.PROTOCOL_TLS_CLIENT)


def agent(keys: Path, host: str) -> ssl.SSLContext:
    """Return the TLS by which the agent of `host` answers. ConfigError as for a head."""
    context = _context(keys, host, ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 0  # a head shows its certificate each time
    return context


def _context(keys: Path, name: str, protocol: int) -> ssl.SSLContext:
    key, certificate, authority = keys / f"{name}.key", keys / f"{name}.pem", keys / f"{AUTHORITY}.pem"
    private(key, "flotilla fleet keys makes keys")
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_verify_locations(authority)
        context.load_cert_chain(certificate, key, password=lambda: "")
    except OSError as error:  # ssl.SSLError is one
        why = error.strerror or str(error)
        raise ConfigError(f"{certificate}, with its key and {authority}, cannot be used: {why}") from error
    return context
