"""Ask a person before something stops that was not named."""

from __future__ import annotations

import sys

from flotilla.errors import ConfigError


def agree(what: str, yes: bool, json: bool) -> None:
    """Return once it is agreed to; ConfigError if not, or if there is nobody to ask.

    what: would be done. The question is on stderr, so that it is seen where the result goes to a file. Ctrl-D
    is a no.
    """
    if yes:
        return
    if json or not sys.stdin.isatty():
        raise ConfigError(f"{what}. Nothing was done. Say --yes if that is meant")
    sys.stderr.write("Go on? [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):  # the terminal stands behind the question still
        sys.stderr.write("\n")
    if answer.strip().lower() not in ("y", "yes"):
        raise ConfigError("nothing was done")
