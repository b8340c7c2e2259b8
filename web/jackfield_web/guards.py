"""Keeping web pages from using a server on the visitor's own machine.

A page can point its own host name at 127.0.0.1 (DNS rebinding), or post to localhost across sites. A server that
listens on loopback therefore answers only to loopback names, and no server takes changes from another site's page.
Where identity is on, `identity.public_url` names the server too: a proxy in front of it passes that name on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection, Request
from litestar.exceptions import PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from jackfield.identity.local_mode import is_loopback

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Connection = ASGIConnection[Any, Any, Any, Any]


def guards_for(host: str) -> list[Guard]:
    """What every request must pass on a server that listens at a host.

    Coroutines although they wait for nothing: Litestar calls plain functions in threads.
    """
    return [refuse_strange_hosts, refuse_other_sites] if is_loopback(host) else [refuse_other_sites]


def in_turn(guards: Sequence[Guard]) -> Guard:
    """Several guards as one; Litestar copies a route for each that it asks."""

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        for each in guards:
            await each(connection, handler)  # type: ignore[misc]  # ours are coroutines

    return guard


async def refuse_strange_hosts(connection: Connection, _: BaseRouteHandler) -> None:
    """The Host header must be a loopback name, as no rebound name is."""
    host = connection.headers.get("host", "localhost")
    public = _public_site(connection)
    if not is_loopback(_name(host)) and (public is None or _name(host) != _name(public)):
        raise PermissionDeniedException(
            detail=f"This server answers on this machine only, and not as '{host}'; "
            "to serve others, start it with `--host`."
        )


async def refuse_other_sites(connection: Connection, _: BaseRouteHandler) -> None:
    """A browser names the page that sends a change; it must come from this server or this machine."""
    origin = connection.headers.get("origin")
    if origin is None or (isinstance(connection, Request) and connection.method in SAFE_METHODS):
        return
    if not _is_welcome(origin, (connection.headers.get("host"), _public_site(connection))):
        raise PermissionDeniedException(detail=f"Pages of '{origin}' may not use this server.")


def _public_site(connection: Connection) -> str | None:
    """The host and port at which browsers find this server, where identity is on and settings tell."""
    identity = connection.app.state.workbench.settings.identity
    return (urlsplit(identity.public_url).netloc or None) if identity.enabled else None


def _is_welcome(origin: str, own: tuple[str | None, str | None]) -> bool:
    """Whether an Origin header names no web page, or one of this server or this machine."""
    try:
        page = urlsplit(origin)
        web_page = page.scheme in ("http", "https", "")
        return not web_page or is_loopback(page.hostname or "") or page.netloc in own
    except ValueError:
        return False


def _name(host: str) -> str:
    """A Host header's name, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
