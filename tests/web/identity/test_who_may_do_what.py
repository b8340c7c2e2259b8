"""Every route by everybody: a table made of the routes that there are, held against one that is written down here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from litestar import Controller, get
from litestar.exceptions import ImproperlyConfiguredException

from jackfield.identity.roles import RIGHTS
from jackfield_web.app import create_app
from jackfield_web.identity.declared_rights import DeclaredRights
from jackfield_web.identity.rights import declared

CALLERS = (
    "admin",
    "member",
    "viewer",
    "admin's inference key",
    "admin's read key",
    "admin's admin key",
    "member's inference key",
    "member's read key",
    "member's admin key",
    "viewer's read key",
)

PEOPLE = {"admin", "member", "viewer"}
READERS = {*PEOPLE, "admin's read key", "admin's admin key", "member's read key", "member's admin key"}

MAY: dict[str, set[str]] = {
    "self": set(CALLERS),
    "models": set(CALLERS),
    "follow": set(CALLERS),
    "inference": {"admin", "member", "admin's inference key", "member's inference key"},
    "read": {*READERS, "viewer's read key"},
    "keys": {"admin", "member", "admin's admin key", "member's admin key"},
    "manage": {"admin", "admin's admin key"},
    "metrics": {"admin", "admin's read key", "admin's admin key"},
}

PUBLIC = {
    "GET /",
    "GET /healthz",
    "GET /readyz",
    "GET /openapi.json",
    "GET /openapi.json/{path}",
    "GET /openapi.json/openapi.json",
    "GET /api/setup",
    "POST /api/setup",
    "POST /api/session",
    "POST /api/invitations/accept",
    "GET /api/oidc/start",
    "GET /api/oidc/callback",
    "GET /shared/{token}",
    "GET /shared/{token}/{below}",
}

MANAGEMENT = re.compile(r"\w+ /api/(users|teams|invitations|audit)\b|(PUT|DELETE) /api/budgets\b|.*/(quota|verify)$")


def routes(app: Any) -> Iterator[tuple[str, str, str | None]]:
    """Method, path and right of every route; None where it is for everybody."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", None) or [route.route_handler]:
            for method in getattr(handler, "http_methods", ("POST",)):
                if method not in ("OPTIONS", "HEAD"):
                    yield method, route.path_format or "/", declared(handler)


def all_routes() -> list[tuple[str, str, str | None]]:
    return sorted(set(routes(create_app(lambda: nullcontext(None)))), key=str)  # type: ignore[arg-type]


ROUTES = all_routes()


def test_what_is_for_everybody_is_what_is_written_down_here() -> None:
    assert {f"{method} {path}" for method, path, right in ROUTES if right is None} <= PUBLIC


def test_whatever_manages_takes_the_right_to_manage() -> None:
    managing = [(f"{method} {path}", right) for method, path, right in ROUTES if MANAGEMENT.match(f"{method} {path}")]
    assert len(managing) > 10
    assert {route for route, right in managing if right != "manage"} <= {"POST /api/invitations/accept"}


def test_the_table_knows_every_right() -> None:
    assert set(MAY) == set(RIGHTS)


@pytest.mark.parametrize("caller", CALLERS)
async def test_everybody_is_let_in_where_they_may_and_nowhere_else(team: Any, caller: str) -> None:
    wrong = []
    for method, path, right in ROUTES:
        if right is None:
            continue
        status = await status_for(team, caller, method, path)
        refused = status == 403
        if refused == (caller in MAY[right]) or status == 401:
            wrong.append((method, path, right, status))
    assert not wrong


async def test_nobody_gets_anywhere_but_where_everybody_may(team: Any) -> None:
    wrong = []
    async with team.client() as client:
        for method, path, right in ROUTES:
            response = await client.request(method, filled(path), json={} if method != "GET" else None)
            if (response.status_code == 401) == (right is None):
                wrong.append((method, path, response.status_code))
            if response.status_code == 401:
                assert response.headers["www-authenticate"].startswith("Bearer")
    assert not wrong


async def test_a_member_who_was_made_a_viewer_may_no_more_with_old_keys(team: Any) -> None:
    async with await team.with_key("member", "inference", "admin") as client:
        assert (await client.get("/api/keys")).status_code == 200
        async with await team.signed_in("admin") as admin:
            changed = await admin.patch(f"/api/users/{team.users['member'].id}", json={"role": "viewer"})
            assert changed.json()["role"] == "viewer"
        assert (await client.get("/api/keys")).status_code == 403
        assert (await client.post("/v1/chat/completions", json={})).status_code == 403


def test_a_route_that_declares_nothing_is_not_registered() -> None:
    class Careless(Controller):
        path = "/careless"

        @get()
        async def look(self) -> None: ...

    from litestar import Litestar

    with pytest.raises(ImproperlyConfiguredException, match="opt=needs"):
        Litestar([Careless], plugins=[DeclaredRights()], openapi_config=None)


async def status_for(team: Any, caller: str, method: str, path: str) -> int:
    """What somebody gets; each time with a new session or key, since some of the requests end them."""
    role, _, key = caller.partition("'s ")
    made = await (team.with_key(role, key.split()[0]) if key else team.signed_in(role))
    async with made as client:
        response = await client.request(method, filled(path), json={} if method != "GET" else None)
        status: int = response.status_code
        return status


def filled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "nothing", path)
