"""Each route says who may use it. One that does not cannot be made, and an app that holds it does not start.

The role is checked on the route that was found, after routing: what a path was written like does not matter.
It stands in the OpenAPI description as `x-role`, which the tests are made from.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.routing import BaseRoute

from flotilla.access.gate import Who
from flotilla.access.tokens import Role
from flotilla.errors import ConfigError, FlotillaError

_FIELD = "x-role"


class Wrong(BaseModel, extra="forbid"):
    """What is wrong, in a word and in a sentence."""

    kind: str = Field(examples=["UnknownName"])
    text: str = Field(examples=["no platform is called 'fed'; did you mean feed?"])


class Problem(BaseModel, extra="forbid"):
    """Every answer that is not what was asked for."""

    error: Wrong


_ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "No plain path, or a body that is no text."},
    401: {"model": Problem, "description": "No token, or one that is not good."},
    403: {"model": Problem, "description": "The token's role may not do this."},
    429: {"model": Problem, "description": "Too many tries with tokens that are not good."},
    503: {"model": Problem, "description": "No supervisor answers, or the file of tokens is to be mended."},
}


class Forbidden(FlotillaError):
    """Somebody's role may not do what was asked."""


class Busy(FlotillaError):
    """There is no room for one more; later there is."""

    retry = True


class Guarded(APIRoute):
    """A route with a role."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        said = (options.get("openapi_extra") or {}).get(_FIELD)
        if said not in list(Role):
            raise ConfigError(f"the route {path} does not say who may use it")
        self.role = Role(said)
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, behind the check: a body is not even parsed for who may not send it."""
        handler = super().get_route_handler()

        async def checked(request: Request) -> Response:
            require(asker(request), self.role)
            return await handler(request)

        return checked


def least(role: Role, **answers: str) -> dict[str, Any]:
    """Return what a route that needs `role` says of itself. answers: s404="...": what else it may answer."""
    more = {int(code[1:]): {"model": Problem, "description": text} for code, text in answers.items()}
    return {"openapi_extra": {_FIELD: role.value}, "responses": {**_ANSWERS, **more}}


def asker(request: Request) -> Who:
    """Return who asks; the front put it there, and a request that did not pass it gets nowhere."""
    who = request.scope.get("state", {}).get("who")
    if not isinstance(who, Who):
        raise Forbidden("nobody asked")
    return who


def require(who: Who, role: Role) -> None:
    """Raise Forbidden unless `who` has at least `role`."""
    if not who.role.may(role):
        raise Forbidden(f"this needs the role {role}, and the token of {who.name} has {who.role}")


def check(routes: Iterable[BaseRoute]) -> None:
    """Raise ConfigError where a route is of another kind, which no role guards."""
    for route in routes:
        if not isinstance(route, Guarded):
            raise ConfigError(f"the route {getattr(route, 'path', route)} does not say who may use it")
