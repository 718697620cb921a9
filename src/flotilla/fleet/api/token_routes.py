"""Tokens through the API: an admin makes, sees and revokes them. Each is in the audit before it is done."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from flotilla.access import tokens
from flotilla.access.audit_entry import AuditEntry
from flotilla.access.roles import Guarded, asker, least
from flotilla.access.tokens import Role, Token
from flotilla.fleet.api import models
from flotilla.fleet.api.routes import answer
from flotilla.fleet.api.services import services

router = APIRouter(prefix="/api/v1/tokens", route_class=Guarded, tags=["tokens"])

TokenId = Annotated[str, Path(pattern=r"^[a-z0-9]{8}$", examples=["abcd1234"])]


@router.get("", response_model=models.Tokens, **least(Role.ADMIN))
async def listed(request: Request) -> Response:
    """Show all tokens: whose, for what, until when. Their texts are known to nobody."""
    book = tokens.TokenBook(services(request).tokens)
    return answer({"tokens": [_shown(token) for token in book.all()]})


@router.post(
    "",
    response_model=models.MadeToken,
    status_code=201,
    **least(
        Role.ADMIN,
        s408="The body did not come in time.",
        s413="The body is too long.",
        s422="No such token can be made, or there is one of that name.",
    ),
)
async def created(request: Request, wanted: models.NewToken) -> Response:
    """Make a token. Its text is in the answer, and nowhere else."""
    use, who = services(request), asker(request)
    told = AuditEntry(
        f"api:{who.name}", "token create", wanted.name, "asked", f"{wanted.role}, {wanted.days:g} days"
    )
    await use.audit.tell_now(told)
    role = Role(wanted.role)
    made = await asyncio.to_thread(tokens.create, use.tokens, wanted.name, role, wanted.days)
    return answer({**_shown(made.token), "token": made.text}, 201)


@router.delete(
    "/{token_id}", response_model=models.Token, **least(Role.ADMIN, s404="There is no such token.")
)
async def revoked(request: Request, token_id: TokenId) -> Response:
    """Revoke a token: from the next request on it is good for nothing; its streams end."""
    use, who = services(request), asker(request)
    await use.audit.tell_now(AuditEntry(f"api:{who.name}", "token revoke", token_id, "asked"))
    return answer(_shown(await asyncio.to_thread(tokens.revoke, use.tokens, token_id)))


def _shown(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "made_ns": token.made_ns,
        "expires_ns": token.expires_ns,
        "revoked_ns": token.revoked_ns,
    }
