"""A collector of spans on loopback: what a process sends over OTLP/HTTP can be looked at."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec


class CollectedSpan(msgspec.Struct, frozen=True, kw_only=True):
    """A span as it came, its identifiers in hexadecimal."""

    service: str
    name: str
    trace: str
    span: str
    parent: str
    attributes: dict[str, str | int | float | bool | list[str]]
    events: tuple[str, ...] = ()


class OtlpCollector:
    """Spans in the order they came."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.spans: list[CollectedSpan] = []
        self.bodies: list[bytes] = []

    def of_trace(self, trace: str) -> dict[str, CollectedSpan]:
        """The spans of one trace so far, by name."""
        return {span.name: span for span in list(self.spans) if span.trace == trace}

    def take(self, body: bytes) -> None:
        """One export."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        self.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = str(_attributes(resource.resource.attributes).get("service.name", ""))
            for scope in resource.scope_spans:
                self.spans.extend(_span(service, span) for span in scope.spans)


@contextmanager
def otlp_collector() -> Iterator[OtlpCollector]:
    """A collector that listens in this block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.take(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = OtlpCollector(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield collector
        finally:
            server.shutdown()


def _span(service: str, span: Any) -> CollectedSpan:
    return CollectedSpan(
        service=service,
        name=span.name,
        trace=span.trace_id.hex(),
        span=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes=_attributes(span.attributes),
        events=tuple(event.name for event in span.events),
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    return [_value(inner) for inner in value.array_value.values] if kind == "array_value" else getattr(value, kind)
