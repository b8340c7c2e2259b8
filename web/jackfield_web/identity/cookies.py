"""The cookies of a browser that is signed in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from jackfield.contracts.identity import Session

CSRF_HEADER = "x-csrf-token"
SESSION = "jackfield_session"
CSRF = "jackfield_csrf"
HOST_PREFIX = "__Host-"

Connection = ASGIConnection[Any, Any, Any, Any]


def cookie_name(name: str, *, secure: bool) -> str:
    """With the prefix that keeps other hosts of a domain from setting it, which browsers take over https only."""
    return f"{HOST_PREFIX}{name}" if secure else name


def is_secure(connection: Connection) -> bool:
    """Whether browsers reach this server over https."""
    public_url: str = connection.app.state.workbench.settings.identity.public_url
    return public_url.lower().startswith("https://")


def session_cookie(connection: Connection) -> str | None:
    """What a browser that is signed in sends."""
    return passing_value(connection, SESSION)


def signed_in_cookies(token: str, session: Session, *, secure: bool) -> list[Cookie]:
    """The session's cookie, which no script can read, and its companion, which the server's own pages can."""
    left = max(0, round((session.expires_at - datetime.now(UTC)).total_seconds()))
    return [
        _cookie(SESSION, token, left, secure=secure, httponly=True),
        _cookie(CSRF, session.csrf, left, secure=secure, httponly=False),
    ]


def signed_out_cookies(*, secure: bool) -> list[Cookie]:
    """What takes both away again."""
    return [_cookie(name, "", 0, secure=secure, httponly=name == SESSION) for name in (SESSION, CSRF)]


def passing_cookie(name: str, value: str, seconds: int, *, secure: bool) -> Cookie:
    """A cookie for a short while, which no script can read; none at all after 0 seconds."""
    return _cookie(name, value, seconds, secure=secure, httponly=True)


def passing_value(connection: Connection, name: str) -> str | None:
    """What a browser brings back of it."""
    return connection.cookies.get(cookie_name(name, secure=is_secure(connection)))


def _cookie(name: str, value: str, max_age: int, *, secure: bool, httponly: bool) -> Cookie:
    return Cookie(
        cookie_name(name, secure=secure),
        value=value,
        max_age=max_age,
        path="/",
        secure=secure,
        httponly=httponly,
        samesite="lax",
    )
