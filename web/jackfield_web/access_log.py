"""One line a request, at debug."""

from __future__ import annotations

import time

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()


def with_access_log(app: ASGIApp) -> ASGIApp:
    """The app, with each answer logged once its last byte was handed over."""

    async def logged(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        begun, path = time.perf_counter(), scope["path"]  # a mount's is shortened on the way
        status: int | None = None

        async def noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await app(scope, receive, noting_status)
        finally:
            milliseconds = round((time.perf_counter() - begun) * 1000, 1)
            log.debug("request", method=scope["method"], path=path, status=status, ms=milliseconds)

    return logged
