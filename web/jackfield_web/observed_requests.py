"""What every request gets: an id, a span, a place in the figures, and a line in the log."""

from __future__ import annotations

import time

import structlog
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from jackfield.contracts.identity import Principal
from jackfield.telemetry.origin import Origin, current_origin, request_id_of, trusted_parent
from jackfield.telemetry.spans import Span, current_span, tracer
from jackfield_web.errors import ERROR_CODE
from jackfield_web.metrics.requests import STRAY, RequestFigures

log = structlog.get_logger()

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""What watchers ask every few seconds, which no log at info is to fill with."""


def observed(app: Litestar) -> ASGIApp:
    """The app, with each request observed from its first byte until its answer's last; `/metrics` tells the figures."""
    figures = RequestFigures()
    app.state.request_figures = figures

    async def observing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        workbench = app.state.get("workbench")
        shared = workbench is not None and workbench.identity is not None
        await _Observation(scope, send, figures, shared=shared).of(app, receive)

    return observing


class _Observation:
    """One request."""

    def __init__(self, scope: HTTPScope, send: Send, figures: RequestFigures, *, shared: bool) -> None:
        """`shared` is whether it must be known who asks, and so who asked is on record."""
        self._scope = scope
        self._send = send
        self._figures = figures
        self._shared = shared
        self._path = scope["path"]  # a mount's is shortened on the way
        self._status: int | None = None
        headers = {name: value for name, value in scope["headers"] if name in (b"x-request-id", b"traceparent")}
        self._request_id = request_id_of(headers.get(b"x-request-id", b"").decode("latin-1"))
        self._parent = trusted_parent(headers.get(b"traceparent", b"").decode("latin-1"))

    async def of(self, app: ASGIApp, receive: Receive) -> None:
        method = self._scope["method"] if self._scope["method"] in METHODS else "OTHER"
        span = tracer().begin(method, "server", {"http.request.method": method}, parent=self._parent)
        # Without a tracer here, whoever sent a trace context still finds the run under it.
        origin = current_origin.set(Origin(self._request_id, span.traceparent or self._parent))
        above = current_span.set(span)
        begun = time.perf_counter()
        self._figures.open += 1
        try:
            with structlog.contextvars.bound_contextvars(request_id=self._request_id):
                try:
                    await app(self._scope, receive, self._noted)
                finally:
                    self._done(method, span, time.perf_counter() - begun)
        finally:
            self._figures.open -= 1
            current_span.reset(above)
            current_origin.reset(origin)

    async def _noted(self, message: Message) -> None:
        """Send a message; the first one gets the request's id, under Anthropic's name too where theirs look for it."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            identifier = self._request_id.encode("latin-1")
            headers = [*message.get("headers", ()), (b"x-request-id", identifier)]
            if self._path.startswith("/v1/messages"):
                headers.append((b"request-id", identifier))
            message["headers"] = headers
        await self._send(message)

    def _done(self, method: str, span: Span, seconds: float) -> None:
        """Nobody hears of an answer without a status: the client hung up before it began."""
        status = 499 if self._status is None else self._status
        route = self._scope.get("path_template") or STRAY
        code = self._scope.get("state", {}).get(ERROR_CODE)
        self._figures.answered(method, route, status, seconds, code)
        span.set({"http.route": route, "http.response.status_code": status, "jackfield.request.id": self._request_id})
        if status >= 500:
            span.fail(code or str(status))
        span.end()
        self._log(method, route, status, round(seconds * 1000, 1))

    def _log(self, method: str, route: str, status: int, milliseconds: float) -> None:
        """At info one line that names no identifier but the client's; at debug the whole path."""
        if not self._shared or self._path in PROBES:
            log.debug("request", method=method, path=self._path, status=self._status, ms=milliseconds)
            return
        principal: Principal | None = self._scope.get("user")
        who = principal.client if principal else None
        log.info("request", method=method, path=route, status=status, ms=milliseconds, who=who)
