"""Spans sent to a collector over OTLP/HTTP. Nothing here is imported unless traces are switched on."""

from __future__ import annotations

from collections.abc import Mapping

from jackfield.errors import MissingDependency
from jackfield.telemetry.spans import Kind, Span, Tracer, Value
from jackfield.version import __version__

try:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError as error:
    raise MissingDependency(
        "Traces need opentelemetry: pip install 'jackfield[server]', or leave telemetry.otlp_endpoint empty."
    ) from error

TRACES_PATH = "/v1/traces"
SEND_TIMEOUT = 5.0
"""Seconds that a collector has for one batch, and that we wait for it at the end."""

KINDS = {
    "server": trace.SpanKind.SERVER,
    "consumer": trace.SpanKind.CONSUMER,
    "internal": trace.SpanKind.INTERNAL,
}


def otlp_tracer(endpoint: str, *, service: str, sample: float) -> Tracer:
    """A tracer that sends in the background, in batches; what a collector does not take is dropped and logged."""
    address = endpoint.rstrip("/")
    exporter = OTLPSpanExporter(
        endpoint=address if address.endswith(TRACES_PATH) else address + TRACES_PATH, timeout=SEND_TIMEOUT
    )
    return OpenTelemetryTracer(BatchSpanProcessor(exporter), service=service, sample=sample)


class OpenTelemetryTracer:
    """Implements Tracer with a provider of its own, so that no library's spans are mixed in."""

    def __init__(self, processor: SpanProcessor, *, service: str, sample: float = 1.0) -> None:
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(sample)),
            resource=Resource.create({"service.name": service, "service.version": __version__}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("jackfield", __version__)

    def begin(self, name: str, kind: Kind, attributes: Mapping[str, Value], *, parent: str = "") -> Span:
        """A span below the parent's trace, else the first of a new one."""
        context = TraceContextTextMapPropagator().extract({"traceparent": parent} if parent else {})
        span = self._tracer.start_span(name, context=context, kind=KINDS[kind], attributes=attributes)
        return OpenTelemetrySpan(self._tracer, span)

    def close(self) -> None:
        """Send what is left."""
        self._provider.force_flush(round(SEND_TIMEOUT * 1000))
        self._provider.shutdown()


class OpenTelemetrySpan:
    """Implements Span."""

    def __init__(self, tracer: trace.Tracer, span: trace.Span) -> None:
        self._tracer = tracer
        self._span = span

    @property
    def traceparent(self) -> str:
        """W3C's header for what this span causes elsewhere."""
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"

    def set(self, attributes: Mapping[str, Value]) -> None:
        """Add attributes."""
        self._span.set_attributes(attributes)

    def note(self, name: str, attributes: Mapping[str, Value]) -> None:
        """Add an event."""
        self._span.add_event(name, attributes)

    def fail(self, kind: str) -> None:
        """Mark it as failed; the message stays out, since it may quote what was asked."""
        self._span.set_attribute("error.type", kind)
        self._span.set_status(trace.StatusCode.ERROR)

    def child(self, name: str, attributes: Mapping[str, Value], *, at: int | None = None) -> Span:
        """A span below this one."""
        context = trace.set_span_in_context(self._span)
        return OpenTelemetrySpan(
            self._tracer, self._tracer.start_span(name, context=context, attributes=attributes, start_time=at)
        )

    def end(self, *, at: int | None = None) -> None:
        """It is over."""
        self._span.end(at)
