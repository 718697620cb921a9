"""What can be asked of a fleet, and who may ask it."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Header, Path, Query, Request, Response

from flotilla.access.roles import Busy, Guarded, asker, least, require
from flotilla.access.tokens import Role
from flotilla.errors import ConfigError, UnknownName
from flotilla.fleet.api import metrics, models
from flotilla.fleet.api.services import services
from flotilla.fleet.api.stream import Stream
from flotilla.fleet.control.status import FleetStatus, well
from flotilla.fleet.control.status import health as how_well
from flotilla.fleet.spec import graph

router = APIRouter(prefix="/api/v1", route_class=Guarded)
scrape = APIRouter(route_class=Guarded)  # Prometheus asks at /metrics

MOST_STREAMS = 64
_MOST_EVENTS = 500
_KEY = r"^[A-Za-z0-9._-]{8,64}$"
PlatformId = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_-]{0,31}$", examples=["strategies"])]
FromSeq = Annotated[int, Query(alias="from", ge=0, le=2**62, description="The first number that is wanted.")]


def answer(value: Any, status: int = 200) -> Response:
    """Return plain values, or msgspec's, as JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


@router.get("/platforms", response_model=models.Fleet, tags=["fleet"], **least(Role.VIEWER))
async def platforms(request: Request) -> Response:
    """Show all platforms, as of one moment."""
    return answer(await services(request).link.status())


@router.get(
    "/platform/{platform_id}/status",
    response_model=models.Platform,
    tags=["platform"],
    **least(Role.VIEWER, s404="No platform is called that."),
)
async def platform_status(request: Request, platform_id: PlatformId) -> Response:
    """Show one platform: its state, since when and why, and what it uses."""
    return answer(_named(await services(request).link.status(), platform_id))


@router.post(
    "/platform/{platform_id}/control",
    response_model=models.Accepted,
    status_code=202,
    tags=["platform"],
    **least(
        Role.OPERATOR,
        s404="No platform is called that.",
        s408="The body did not come in time.",
        s409="The supervisor will not do it now, or the key was another command's.",
        s413="The body is too long.",
        s422="This is no command.",
        s504="It is unknown whether it was done. Ask again with the same Idempotency-Key.",
    ),
)
async def control(
    request: Request,
    platform_id: PlatformId,
    command: models.Control,
    idempotency_key: Annotated[
        str | None,
        Header(pattern=_KEY, description="The same key twice is one command.", examples=["a1b2c3d4"]),
    ] = None,
) -> Response:
    """Start it with what it needs, stop it with what needs it, restart it, or have it settle and stop.

    The answer says that the supervisor took the command, not that it is done: follow the events from `seq`.
    """
    who, use = asker(request), services(request)
    overrides = command.overrides.model_dump(exclude_none=True) if command.overrides else {}
    if overrides:
        require(who, Role.ADMIN)
        if command.action not in ("start", "restart"):
            raise ConfigError(f"overrides go with start and restart, not with {command.action}")
    _named(await use.link.status(), platform_id)
    key = idempotency_key or secrets.token_hex(8)
    said = await use.link.ask(
        command.action,
        (platform_id,),
        who=f"api:{who.name}",
        why=command.why,
        overrides=overrides,
        key=f"api:{who.id}:{key}",  # one's keys are not another's
    )
    return answer({"seq": said["seq"], "names": said["names"], "key": key}, 202)


@router.get(
    "/platform/{platform_id}/plan",
    response_model=models.Order,
    tags=["platform"],
    **least(
        Role.VIEWER,
        s404="No platform is called that.",
        s409="The supervisor would not do it now.",
        s422="This is no command.",
    ),
)
async def plan(
    request: Request, platform_id: PlatformId, action: Literal["start", "stop", "restart", "drain"] = "stop"
) -> Response:
    """Say what a command would do, before it is given: whom it concerns, in order. Nothing is done."""
    use = services(request)
    _named(await use.link.status(), platform_id)
    return answer(await use.link.ask("plan", (platform_id,), data={"of": action}))


@router.get("/graph", response_model=models.Graph, tags=["fleet"], **least(Role.VIEWER))
async def needs(request: Request) -> Response:
    """Show what needs what, and the order of a start."""
    status = await services(request).link.status()
    edges = [
        {"source": need, "target": platform.name, "condition": condition}
        for platform in status.platforms
        for need, condition in platform.needs.items()
    ]
    levels = graph.levels({platform.name: tuple(platform.needs) for platform in status.platforms})
    return answer({"nodes": status.platforms, "edges": edges, "levels": levels})


@router.get("/health", response_model=models.Health, tags=["fleet"], **least(Role.VIEWER))
async def health(request: Request) -> Response:
    """Say how the fleet is (`get_system_health`). 503 where no supervisor answers."""
    status = await services(request).link.status()
    ones = {
        platform.name: {
            "state": platform.state,
            "well": well(platform),
            "since_ns": platform.since_ns,
            "reason": platform.reason,
        }
        for platform in status.platforms
    }
    return answer(
        {
            "status": how_well(status),
            "fleet": status.name,
            "generation": status.generation,
            "seq": status.seq,
            "supervisor_since_ns": status.since_ns,
            "platforms": ones,
        }
    )


@router.get("/events", response_model=models.Events, tags=["events"], **least(Role.VIEWER))
async def events(
    request: Request,
    from_seq: FromSeq = 1,
    limit: Annotated[int, Query(ge=1, le=_MOST_EVENTS)] = _MOST_EVENTS,
) -> Response:
    """Show the events that are kept, oldest first."""
    reader = services(request).reader()
    found = reader.read(from_seq, limit)
    after = found[-1].seq + 1 if found else max(from_seq, 1)
    return answer({"first": reader.first_seq(), "next": after, "events": found})


@router.get(
    "/events/stream",
    response_class=Response,
    tags=["events"],
    **least(Role.VIEWER, s429="Too many tries with tokens that are not good, or too many streams."),
)
async def event_stream(
    request: Request,
    from_seq: FromSeq = 1,
    last_event_id: Annotated[
        int | None, Header(ge=0, le=2**62, description="The last number that was seen.")
    ] = None,
) -> Response:
    """Send events as they happen (text/event-stream), from a number on; a gap is told first."""
    use, who = services(request), asker(request)
    if use.streams >= MOST_STREAMS:
        raise Busy(f"{MOST_STREAMS} streams are open already")
    reader = use.reader()
    use.streams += 1

    def ended() -> None:
        use.streams -= 1

    cursor = last_event_id + 1 if last_event_id is not None else max(from_seq, 1)
    return Stream(reader, cursor, lambda: use.gate.again(who), ended)


@router.get("/openapi.json", response_class=Response, tags=["api"], **least(Role.VIEWER))
async def openapi(request: Request) -> Response:
    """Describe the API."""
    return answer(request.app.openapi())


@scrape.get("/metrics", response_class=Response, tags=["fleet"], **least(Role.VIEWER))
async def prometheus(request: Request) -> Response:
    """Measure the fleet, for Prometheus (text format 0.0.4)."""
    use = services(request)
    text = metrics.as_text(await use.link.status(), use.answers)
    return Response(text, media_type=metrics.CONTENT_TYPE)


def _named(status: FleetStatus, name: str) -> Any:
    found = status.find(name)
    if found is None:
        raise UnknownName("platform", name, [platform.name for platform in status.platforms])
    return found
