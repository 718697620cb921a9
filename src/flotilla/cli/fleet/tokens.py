"""`flotilla fleet token`: who may use the REST API, in which role, until when."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from flotilla.access.tokens import DAYS, Role, Token, TokenBook
from flotilla.access.tokens import create as make_token
from flotilla.access.tokens import revoke as revoke_token
from flotilla.cli import say
from flotilla.cli.arguments import Json
from flotilla.cli.fleet.audit import record
from flotilla.cli.fleet.find import Which, find_fleet
from flotilla.clock import now_ns
from flotilla.errors import FlotillaError

app = App(name="token", help="Who may use the REST API, in which role.", help_format="plaintext")
_SHOWN = "it is shown this once; what is kept is a hash of it"


@app.default
def tokens(*, fleet: Which = None, json: Json = False) -> None:
    """List the tokens there are; none of them can be shown again."""
    found = sorted(TokenBook(find_fleet(fleet).folder.tokens).all(), key=lambda token: token.made_ns)
    if json:
        say.show_json([_plain(token) for token in found])
        return
    made = say.table("id", "name", "role", "made, UTC", "good until, UTC", "")
    for token in found:
        state = "good" if token.good(now_ns()) else "over"
        made.add_row(
            token.id, token.name, token.role, say.utc(token.made_ns), say.utc(token.expires_ns), state
        )
    say.show(made)


@app.command
def create(
    name: Annotated[str, Parameter(help="Whose it is; so it stands in the audit.")],
    /,
    *,
    role: Annotated[
        Role, Parameter(help="viewer looks, operator starts and stops, admin may all; else viewer.")
    ] = Role.VIEWER,
    days: Annotated[float, Parameter(help=f"How many days it is good for; else {DAYS:g}.")] = DAYS,
    fleet: Which = None,
    json: Json = False,
) -> None:
    """Make a token and show it, this once."""
    found = find_fleet(fleet)
    what = f"{role}, {days:g} days"
    record(found, "token create", name, what, "asked")  # before it is there
    try:
        made = make_token(found.folder.tokens, name, role, days)
    except FlotillaError as error:
        record(found, "token create", name, what, f"refused: {error}")
        raise
    if json:
        say.show_json({**_plain(made.token), "token": made.text})
    else:
        say.note(f"a token of {name}, {role}, good until {say.utc(made.token.expires_ns)} UTC; {_SHOWN}")
        say.show(made.text)


@app.command
def revoke(
    id_: Annotated[str, Parameter(name="ID", help="As the list says.")],
    /,
    *,
    fleet: Which = None,
    json: Json = False,
) -> None:
    """Make a token good for nothing, from now on."""
    found = find_fleet(fleet)
    gone = revoke_token(found.folder.tokens, id_)
    try:
        record(found, "token revoke", id_, f"{gone.name}, {gone.role}", "done")
    except FlotillaError as error:  # a supervisor that hangs keeps nobody's token alive
        say.note(say.warning(f"the audit does not have it: {error}"))
    if json:
        say.show_json(_plain(gone))
    else:
        say.show(f"revoked {gone.id}: {gone.name}, {gone.role}")


def _plain(token: Token) -> dict[str, object]:
    """Return what may be said of a token: all but its hash."""
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "made_ns": token.made_ns,
        "expires_ns": token.expires_ns,
    }
