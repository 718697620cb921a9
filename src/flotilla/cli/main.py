"""The door: find the command, call it, and say in one line what went wrong.

1. What needs no command is answered at once, from the table of commands alone.
2. Else the command line is built (`_app`), and it imports the command that is called, and no other.
3. Errors come here. They are told on stderr in one line and, where --json was asked for, on stdout as JSON.

Exit codes: 0 done; 1 it went wrong; 2 the command or the configuration is wrong; 130 stopped by Ctrl-C.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, Any

from flotilla import __version__
from flotilla.cli.commands import COMMANDS, GENERAL, OPTIONS, overview
from flotilla.errors import ConfigError, FlotillaError, nearest

FAILED, USAGE, INTERRUPTED = 1, 2, 130
# Errors come to `main`, and so does what a command returns.
_PLAINLY: Any = {"exit_on_error": False, "print_error": False, "result_action": "return_value"}
_AT_ONCE: dict[tuple[str, ...], Callable[[], str]] = {
    (): overview,
    ("--help",): overview,
    ("-h",): overview,
    ("--version",): lambda: f"flotilla {__version__}",
}
_READ_A_FILE = ("run", "sweep", "report", "live")
# What is typed as an option, and is a key of the configuration.
_OF_PORTFOLIO = (
    "allocation", "cap", "cash", "decisions", "fee-bps", "fill-at", "lot", "max-drawdown", "min-trade",
    "rebalance", "risk-tolerance", "size-at", "slippage-bps", "start",
)  # fmt: skip
_OF_DATA = ("end", "instruments", "source")
_KEYS = {
    word: f"{part}: {{{word.replace('-', '_')}: ...}}"
    for part, words in (("portfolio", _OF_PORTFOLIO), ("data", _OF_DATA))
    for word in words
} | {
    "weight": "strategies: {NAME: {weight: ...}}",
    "params": "strategies: {NAME: {params: {...}}}",
    "set": "portfolio: {KEY: ...}",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code. argv: without the program's name; None: this process's."""
    argv = sys.argv[1:] if argv is None else argv
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that lacks a sign still gets the rest
    try:
        code = _called(argv)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read what we say has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt as stop:
        words = "; ".join(["stopped", *map(str, stop.args)])
        return _failed(argv, INTERRUPTED, "Stopped", words, "")
    except (FlotillaError, OSError) as error:
        code = USAGE if isinstance(error, ConfigError) else FAILED
        return _failed(argv, code, type(error).__name__, _told(error))
    return code


def _called(argv: Sequence[str]) -> int:
    """Call what is asked for; return the exit code."""
    at_once = _AT_ONCE.get(tuple(word for word in argv if word != "--debug"))
    if at_once:
        print(at_once())
        return 0
    from cyclopts import CycloptsError

    try:
        code = _app().meta(argv, **_PLAINLY)
    except CycloptsError as error:
        return _failed(argv, USAGE, "UsageError", _misused(error))
    return code if isinstance(code, int) else 0


@cache
def _app() -> Any:
    """Return the command line. It is built when it is needed: the library takes a tenth of a second."""
    from cyclopts import App, Group, Parameter

    headings = dict.fromkeys(command.heading for command in COMMANDS)
    groups = {heading: Group(heading, sort_key=n) for n, heading in enumerate([*headings, GENERAL])}
    app = App(
        name="flotilla",
        help="",
        help_format="plaintext",
        version=f"flotilla {__version__}",
        default_parameter=Parameter(negative=(), show_default=False),
        suppress_keyboard_interrupt=False,
    )
    for n, command in enumerate(COMMANDS):
        app.command(
            f"flotilla.cli.{command.target}",
            name=command.name,
            help=command.flowing,
            group=groups[command.heading],
            sort_key=n,
        )
    app.register_install_completion_command(help=dict(OPTIONS)["--install-completion"], group=groups[GENERAL])
    app.meta.suppress_keyboard_interrupt = False
    shown = Parameter(help=dict(OPTIONS)["--debug"], group=groups[GENERAL])

    @app.meta.default
    def start(
        *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        debug: Annotated[bool, shown] = False,  # noqa: ARG001 main looks
    ) -> object:
        return app(tokens, **_PLAINLY)

    return app


def _misused(error: Any) -> str:
    """Return what is said of a command line that is wrong. error: of cyclopts."""
    from cyclopts import UnknownCommandError, UnknownOptionError

    if isinstance(error, UnknownCommandError) and error.unused_tokens:
        # Its own message would import every command to find the nearest.
        name = error.unused_tokens[0]
        return f"no command is called {name!r}{nearest(name, _names(error.app or _app()))}"
    command = (*(error.command_chain or ()), "")[0]
    if isinstance(error, UnknownOptionError) and command in _READ_A_FILE:
        word = str(error.token.keyword or error.token.value).partition("=")[0]
        if key := _KEYS.get(word.lstrip("-").replace("_", "-")):
            return f"{word} is no option of {command}: the configuration says it, as {key}"
    error.verbose = False
    return f"{error} See: {' '.join(['flotilla', *(error.command_chain or ()), '--help'])}"


def _names(commands: Any) -> list[str]:
    return [name for name in commands if not name.startswith("-")]


def _told(error: Exception) -> str:
    """Return what is said of an error."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _failed(argv: Sequence[str], code: int, kind: str, words: str, head: str = "error: ") -> int:
    """Say how it ended, to a person and, if that was asked for, to a program. Return the exit code."""
    if "--debug" in argv and sys.exc_info()[0] is not None:
        traceback.print_exc()
    if "--json" in argv:
        print(json.dumps({"error": {"kind": kind, "message": words, "exit_code": code}}, indent=2))
    _say(head, words)
    return code


def _say(head: str, words: str) -> None:
    from rich.console import Console
    from rich.text import Text

    told = Text.assemble((head, "bold red"), (words, "red")) if head else Text(words, "bold red")
    Console(stderr=True, soft_wrap=True).print(told)


if __name__ == "__main__":
    sys.exit(main())
