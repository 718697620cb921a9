"""The API, put together: routes with roles, behind the front; errors as JSON that give no secret away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from flotilla.access import roles
from flotilla.access.audit_entry import AuditEntry
from flotilla.access.front import Front
from flotilla.access.gate import Gate
from flotilla.access.roles import Busy, Forbidden
from flotilla.access.tokens import TokenBook, TokensUnusable
from flotilla.errors import ConfigError, FlotillaError, ProcessError, StreamError, UnknownName
from flotilla.fleet.api import routes, token_routes
from flotilla.fleet.api.audit_queue import AuditQueue
from flotilla.fleet.api.link import ApiLink
from flotilla.fleet.api.services import Services
from flotilla.fleet.control.client import NoSupervisor, OutcomeUnknown
from flotilla.fleet.folder import Folder

_LOG = logging.getLogger("flotilla.fleet.api")
_KINDS = {404: "NotFound", 405: "MethodNotAllowed"}
_STATUS: tuple[tuple[type[FlotillaError], int], ...] = (  # the first that fits
    (TokensUnusable, 503),
    (UnknownName, 404),
    (ConfigError, 422),
    (Forbidden, 403),
    (Busy, 429),
    (OutcomeUnknown, 504),
    (NoSupervisor, 503),
    (ProcessError, 409),
    (StreamError, 503),
)


def build(folder: Folder, hosts: frozenset[str], scheme: str = "http", gate: Gate | None = None) -> Front:
    """Return the app of the fleet in `folder`. ConfigError where a route does not say who may use it.

    hosts: the Host headers that are ours. gate: another than the one for the folder's tokens.
    """
    link = ApiLink(folder.socket("control"))
    audit = AuditQueue(link)
    gate = gate or Gate(TokenBook(folder.tokens))
    services = Services(link, gate, audit, events=folder.events, tokens=folder.tokens)
    app = FastAPI(
        title="Flotilla's fleet",
        version=version("flotilla"),
        description=__doc__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_alive,
    )
    app.state.services = services
    for router in (routes.router, routes.scrape, token_routes.router):
        app.router.routes.extend(router.routes)
    app.add_exception_handler(FlotillaError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)
    roles.check(app.routes)
    front = Front(app, gate, audit, hosts, scheme)
    services.answers = front.answers
    return front


@asynccontextmanager
async def _alive(app: FastAPI) -> AsyncIterator[None]:
    """Keep the audit for as long as the app is there."""
    services: Services = app.state.services
    keeping = asyncio.create_task(services.audit.keep())
    try:
        yield
    finally:
        await services.audit.flush()
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        await services.link.close()
        services.gate.close()
        services.close()


def problem(status: int, kind: str, text: str) -> Response:
    """Return what went wrong, as every answer of that sort says it."""
    content = msgspec.json.encode({"error": {"kind": kind, "text": text}})
    return Response(content, status, media_type="application/json")


def _ours(request: Request, error: Exception) -> Response:
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    if status == 500:
        return _unexpected(request, error)
    if isinstance(error, Forbidden):
        state = request.scope["state"]
        target = f"{request.method} {request.url.path}"
        told = AuditEntry(f"api:{state['who'].name}", "denied", target, str(error), f"from {state['client']}")
        request.app.state.services.audit.tell(told)
    answer = problem(status, type(error).__name__, str(error))
    if status in (429, 503):
        answer.headers["Retry-After"] = "1"
    return answer


def _invalid(_: Request, error: Exception) -> Response:
    """Say what is wrong with a request, without what was in it."""
    if not isinstance(error, RequestValidationError):
        raise error
    wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:20]]
    return problem(422, "ConfigError", "; ".join(wrong))


def _http(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    answer = problem(error.status_code, _KINDS.get(error.status_code, "Refused"), str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


def _unexpected(request: Request, error: Exception) -> Response:
    """Tell the log of a mistake of ours, and whoever asked no more than that there was one."""
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "Internal", "the API failed at this; its log says how")
