"""The guard that finds out who asks, before anything of a request is read but its headers."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from jackfield.contracts.identity import Principal
from jackfield.errors import NotAllowed, NotAuthenticated
from jackfield.identity.desk import Identity
from jackfield.identity.local_mode import LOCAL, is_loopback
from jackfield.identity.roles import require
from jackfield.identity.secrets import same
from jackfield_web.errors import discreet
from jackfield_web.identity.cookies import CSRF_HEADER, session_cookie
from jackfield_web.identity.rights import declared

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")

Connection = ASGIConnection[Any, Any, Any, Any]

NOBODY = (
    "This server must know who asks: send 'Authorization: Bearer sk-jf-…' or 'x-api-key: sk-jf-…' with a key of "
    "yours, or sign in."
)


async def recognise(connection: Connection, handler: BaseRouteHandler) -> None:
    """Put the principal into the scope; raises NotAuthenticated or NotAllowed."""
    scope = connection.scope
    identity: Identity | None = connection.app.state.workbench.identity
    discreet.set(identity is not None)
    if identity is None:
        scope["user"] = LOCAL
        return
    scope["user"] = None
    if isinstance(connection, Request) and connection.method == "OPTIONS":
        return
    right = declared(handler)
    if right is None:
        return
    if right == "metrics" and not _credentials(connection) and on_this_machine(connection):
        scope["user"] = LOCAL
        return
    principal = await principal_of(connection, identity)
    require(principal, right)
    scope["user"] = principal


def principal_dependency(request: Request[Any, Any, Any]) -> Principal:
    """The dependency `principal`; raises NotAuthenticated on a public route that nonetheless asks for one."""
    principal: Principal | None = request.scope["user"]
    if principal is None:
        raise NotAuthenticated(NOBODY)
    return principal


async def principal_of(connection: Connection, identity: Identity) -> Principal:
    """Whoever a key or a session's cookie stands for; a key goes first. Raises NotAuthenticated or NotAllowed."""
    if secret := _credentials(connection):
        return await identity.principal_of_key(secret)
    cookie = session_cookie(connection)
    if not cookie:
        raise NotAuthenticated(NOBODY)
    principal = await identity.principal_of_session(cookie)
    _check_csrf(connection, principal)
    return principal


def on_this_machine(connection: Connection) -> bool:
    """Whether a program on this machine asks, and not through a proxy that stands for others."""
    forwarded = any(name in connection.headers for name in FORWARDED)
    return connection.client is not None and is_loopback(connection.client.host) and not forwarded


def address_of(connection: Connection) -> str:
    """Where a request comes from, as the audit log has it."""
    return connection.client.host if connection.client else ""


def _credentials(connection: Connection) -> str | None:
    """A key as OpenAI's clients send it, or as Anthropic's do."""
    header = connection.headers.get("authorization")
    if header is not None:
        scheme, _, secret = header.strip().partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise NotAuthenticated("The header 'Authorization' is not 'Bearer' and a key.")
        return secret.strip()
    return connection.headers.get("x-api-key") or None


def _check_csrf(connection: Connection, principal: Principal) -> None:
    """A change with a cookie must show that its page could read the cookie's companion; raises NotAllowed."""
    if connection.scope.get("method", "GET") in SAFE_METHODS:
        return
    session = principal.session
    shown = connection.headers.get(CSRF_HEADER, "")
    if session is None or not same(shown, session.csrf):
        raise NotAllowed(
            f"A change that comes with a session's cookie needs the header '{CSRF_HEADER}' with the session's token; "
            "GET /api/session tells it."
        )
