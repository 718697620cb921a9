"""A role is declared, or there is no route; and nobody who did not pass the front has one."""

import asyncio

import pytest
from fastapi import APIRouter, Request
from starlette.routing import Mount, WebSocketRoute

from flotilla.access import roles
from flotilla.access.gate import Who
from flotilla.access.roles import Forbidden, Guarded, asker, least, require
from flotilla.access.tokens import Role
from flotilla.errors import ConfigError


def request(**state):
    return Request({"type": "http", "method": "GET", "path": "/", "headers": [], "state": state})


def test_a_route_says_who_may_use_it():
    router = APIRouter(route_class=Guarded)
    router.add_api_route("/x", lambda: None, **least(Role.OPERATOR, s404="not there"))

    (route,) = router.routes
    assert route.role is Role.OPERATOR
    assert route.openapi_extra == {"x-role": "operator"}
    assert route.responses[404]["description"] == "not there"


@pytest.mark.parametrize("extra", [None, {}, {"x-role": "root"}, {"x-role": ""}, {"role": "admin"}])
def test_without_a_role_there_is_no_route(extra):
    with pytest.raises(ConfigError, match="/x does not say"):
        Guarded("/x", lambda: None, openapi_extra=extra)


@pytest.mark.parametrize("route", [Mount("/x", routes=[]), WebSocketRoute("/x", lambda: None)])
def test_what_no_role_guards_is_found(route):
    with pytest.raises(ConfigError, match="/x does not say"):
        roles.check([route])


def test_a_role_is_required():
    ann = Who("abcd1234", "ann", Role.OPERATOR, 0)

    require(ann, Role.VIEWER)
    with pytest.raises(Forbidden, match="needs the role admin, and the token of ann has operator"):
        require(ann, Role.ADMIN)


def test_who_did_not_pass_the_front_is_nobody():
    with pytest.raises(Forbidden, match="nobody asked"):
        asker(request())
    with pytest.raises(Forbidden, match="nobody asked"):
        asker(request(who="admin"))


def test_the_handler_is_behind_the_check():
    reached = []
    route = Guarded("/x", lambda: reached.append(1), **least(Role.ADMIN))

    with pytest.raises(Forbidden):
        asyncio.run(route.get_route_handler()(request(who=Who("abcd1234", "eve", Role.VIEWER, 0))))

    assert reached == []
