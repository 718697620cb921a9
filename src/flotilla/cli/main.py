"""The door: find the command, call it, and say in one line what went wrong.

Exit codes: 0 done; 1 it went wrong; 2 the command or the configuration is wrong; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Group, Parameter, UnknownCommandError

from flotilla import __version__
from flotilla.cli.commands import COMMANDS
from flotilla.errors import ConfigError, FlotillaError, nearest

FAILED, USAGE, INTERRUPTED = 1, 2, 130
# Errors come to `main`, and so does what a command returns.
_PLAINLY: Any = {"exit_on_error": False, "print_error": False, "result_action": "return_value"}

_HELP = """Research thousands of portfolios in seconds, then trade the chosen ones.

Try:
  flotilla demo                          all of it, on real prices
  flotilla sweep examples/cross.yaml     10,000 portfolios, ranked
  flotilla COMMAND --help                what a command takes, with examples

What is computed is kept in .flotilla, or in $FLOTILLA_HOME. Every command takes --json."""

_HEADINGS = {
    heading: Group(heading, sort_key=n)
    for n, heading in enumerate(dict.fromkeys(command.heading for command in COMMANDS))
}
_GENERAL = Group("General", sort_key=len(COMMANDS))

app = App(
    name="flotilla",
    help=_HELP,
    help_format="plaintext",
    version=f"flotilla {__version__}",
    default_parameter=Parameter(negative=(), show_default=False),
    suppress_keyboard_interrupt=False,
)
for _n, _command in enumerate(COMMANDS):
    app.command(
        f"flotilla.cli.{_command.target}",
        name=_command.name,
        help=_command.help,
        group=_HEADINGS[_command.heading],
        sort_key=_n,
    )
app.register_install_completion_command(help="Install tab completion for this shell.", group=_GENERAL)
for _flag, _words in (("--help", "Show this, or what a command takes."), ("--version", "Show the version.")):
    app[_flag].help = _words
    app[_flag].group = (_GENERAL,)
app.meta.suppress_keyboard_interrupt = False


@app.meta.default
def _start(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    debug: Annotated[bool, Parameter(help="Show the code behind an error.", group=_GENERAL)] = False,  # noqa: ARG001 main looks
) -> object:
    return app(tokens, **_PLAINLY)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code. argv: without the program's name; None: this process's."""
    argv = sys.argv[1:] if argv is None else argv
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that lacks a sign still gets the rest
    try:
        code = app.meta(argv, **_PLAINLY)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read what we say has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        _say("stopped")
        return INTERRUPTED
    except (FlotillaError, CycloptsError, OSError) as error:
        if "--debug" in argv:
            traceback.print_exc()
        _say("error: ", _told(error))
        return USAGE if isinstance(error, ConfigError | CycloptsError) else FAILED
    return code if isinstance(code, int) else 0


def _told(error: Exception) -> str:
    """Return what is said of an error."""
    if isinstance(error, UnknownCommandError) and error.unused_tokens:
        # Its own message would import every command to find the nearest.
        name = error.unused_tokens[0]
        return f"no command is called {name!r}{nearest(name, _names(error.app or app))}"
    if isinstance(error, CycloptsError):
        error.verbose = False
        return f"{error} See: {' '.join(['flotilla', *(error.command_chain or ()), '--help'])}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _names(commands: App) -> list[str]:
    return [name for name in commands if not name.startswith("-")]


def _say(head: str, words: str = "") -> None:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, soft_wrap=True).print(Text.assemble((head, "bold red"), (words, "red")))


if __name__ == "__main__":
    sys.exit(main())
