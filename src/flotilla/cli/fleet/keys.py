"""`flotilla fleet keys`: a small authority, and what it vouches for: one head, and hosts by their names.

openssl makes them, as it makes everybody's. It is asked for what it needs only: keys of the curve P-256, each
certificate for one use (the head's to ask, a host's to answer) and one name. The authority's own key signs
nothing else, and is needed again for the next host alone.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from flotilla.access.key_file import private
from flotilla.cli import say
from flotilla.cli.arguments import Json
from flotilla.door import NAME, NAME_FORM
from flotilla.errors import ConfigError, ProcessError
from flotilla.fleet.hosts.credentials import AUTHORITY
from flotilla.fleet.spec import HEAD

_DEADLINE_S = 60.0
_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_FORMS = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[head]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, clientAuth
subjectAltName = DNS:{name}
authorityKeyIdentifier = keyid
[host]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, serverAuth
subjectAltName = DNS:{name}
authorityKeyIdentifier = keyid
"""

_DAYS = validators.Number(gte=1)


def keys(
    *hosts: Annotated[str, Parameter(help="Hosts, by their names in the fleet's file.")],
    folder: Annotated[Path, Parameter(help="Where the keys are, or will be.")] = Path("keys"),
    days: Annotated[
        int, Parameter(help="How many days they are good for; else 3650.", validator=_DAYS)
    ] = 3650,
    renew: Annotated[bool, Parameter(help="Make those of the head and of these hosts anew.")] = False,
    json: Json = False,
) -> int:
    """Make the keys by which a head and its hosts know one another."""
    for host in hosts:
        if not NAME.fullmatch(host) or host in (HEAD, AUTHORITY):
            raise ConfigError(f"{host!r} is no name of a host: {NAME_FORM}, and not {HEAD} or {AUTHORITY}")
    if not hosts:
        raise ConfigError("say for which hosts: flotilla fleet keys HOST...")
    made = make(folder, hosts, days=days, renew=renew)
    if json:
        say.show_json({"folder": str(folder), "made": made})
        return 0
    say.note(f"{folder}: made {', '.join(made) or 'nothing: they are all there'}")
    for host in hosts:
        say.note(f"to {host}, as {folder}: {AUTHORITY}.pem {host}.pem {host}.key (and no other key)")
    return 0


def make(folder: Path, hosts: tuple[str, ...], *, days: int = 3650, renew: bool = False) -> list[str]:
    """Make what is not in `folder` yet, or all but the authority anew; return the names of what was made.

    ConfigError where openssl is missing, or the authority's key is; ProcessError where openssl fails.
    """
    openssl = shutil.which("openssl")
    if openssl is None:
        raise ConfigError("openssl is not here: install it, or make the keys on another machine")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = []
    if not (folder / f"{AUTHORITY}.pem").exists():
        _authority(openssl, folder, days)
        made.append(AUTHORITY)
    for name in (HEAD, *hosts):
        if renew or not (folder / f"{name}.pem").exists():
            private(folder / f"{AUTHORITY}.key")
            _vouched(openssl, folder, name, days)
            made.append(name)
    return made


def _authority(openssl: str, folder: Path, days: int) -> None:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as place:
        forms, key, certificate = (Path(place, file) for file in ("forms", "key", "pem"))
        forms.write_text(_FORMS.format(name="flotilla fleet"))
        _run(
            openssl, "req", "-x509", *_CURVE, "-config", forms, "-extensions", "ca", "-days", days,
            "-keyout", key, "-out", certificate,
        )  # fmt: skip
        _place(folder, AUTHORITY, key, certificate)


def _vouched(openssl: str, folder: Path, name: str, days: int) -> None:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as place:
        forms, key, asked, certificate = (Path(place, file) for file in ("forms", "key", "csr", "pem"))
        forms.write_text(_FORMS.format(name=name))
        _run(openssl, "req", "-new", *_CURVE, "-config", forms, "-keyout", key, "-out", asked)
        use = "head" if name == HEAD else "host"
        ca, ca_key = folder / f"{AUTHORITY}.pem", folder / f"{AUTHORITY}.key"
        serial = f"0x{secrets.randbits(120) | 1:x}"
        _run(
            openssl, "x509", "-req", "-in", asked, "-CA", ca, "-CAkey", ca_key, "-set_serial", serial,
            "-days", days, "-sha256", "-extfile", forms, "-extensions", use, "-out", certificate,
        )  # fmt: skip
        _place(folder, name, key, certificate)


def _place(folder: Path, name: str, key: Path, certificate: Path) -> None:
    key.chmod(0o600)
    key.replace(folder / f"{name}.key")
    certificate.replace(folder / f"{name}.pem")


def _run(*words: str | Path | int) -> None:
    env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
    try:
        done = subprocess.run(
            [str(word) for word in words],
            capture_output=True,
            text=True,
            check=False,
            env=env,
            umask=0o077,
            timeout=_DEADLINE_S,
        )
    except subprocess.TimeoutExpired as error:
        raise ProcessError(f"openssl did not end within {_DEADLINE_S:g} s") from error
    if done.returncode != 0:
        raise ProcessError(f"openssl failed: {done.stderr.strip()}")
