"""Server-sent events: their form on the wire, and the response that sends them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any

import structlog
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.response.base import ASGIResponse
from litestar.types import HTTPResponseBodyEvent, Receive, Scope, Send

from jackfield_web.answers.departure import unless_gone
from jackfield_web.errors import ClientGone

log = structlog.get_logger()

KEEP_ALIVE = b": keep-alive\n\n"
"""A comment, which every client skips; it keeps proxies from taking a long prefill for a dead connection."""

KEEP_ALIVE_SECONDS = 10.0


def framed(data: bytes, *, name: str = "", number: int | None = None) -> bytes:
    """One event; the data must hold no line break, as JSON never does."""
    head = f"id: {number}\n" if number is not None else ""
    if name:
        head += f"event: {name}\n"
    return head.encode() + b"data: " + data + b"\n\n"


class EventStream(Response[Any]):
    """Sends events as they come. `close` is awaited however the response ends, also when the client hangs up."""

    def __init__(
        self,
        events: AsyncGenerator[bytes],
        close: Callable[[], Awaitable[None]],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(content=None, media_type="text/event-stream", status_code=200)
        self._own_headers = {"cache-control": "no-cache", "x-accel-buffering": "no", **(headers or {})}
        self._events = events
        self._close = close

    def to_asgi_response(
        self,
        app: Any,
        request: Request[Any, Any, Any],
        *,
        headers: dict[str, str] | None = None,
        cookies: Iterable[Cookie] | None = None,
        **_: Any,
    ) -> ASGIResponse:
        """The response as Litestar sends it."""
        sent = {**self._own_headers, **(headers or {})}
        return _ASGIEventStream(self._events, self._close, headers=sent, cookies=cookies)


class _ASGIEventStream(ASGIResponse):
    _should_set_content_length = False

    def __init__(self, events: AsyncGenerator[bytes], close: Callable[[], Awaitable[None]], **arguments: Any) -> None:
        super().__init__(media_type="text/event-stream", **arguments)
        self._events = events
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._close()

    async def send_body(self, send: Send, receive: Receive) -> None:
        """Send each event, and stop when the client hangs up."""
        try:
            await unless_gone(receive, self._send_events(send))
        except ClientGone:
            log.debug("client hung up during a stream")

    async def _send_events(self, send: Send) -> None:
        async with aclosing(self._events) as events:
            async for event in events:
                await send(_part(event, more=True))
        await send(_part(b"", more=False))


def _part(body: bytes, *, more: bool) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": body, "more_body": more}
