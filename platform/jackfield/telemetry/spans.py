"""Spans, as the rest of Jackfield sees them: opentelemetry is imported only where traces have somewhere to go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal, Protocol

Value = str | bool | int | float | tuple[str, ...]
Kind = Literal["server", "consumer", "internal"]


class Span(Protocol):
    """A piece of work with a beginning and an end; `traceparent` lets another process continue its trace.

    Times are nanoseconds since 1970, now unless given. None of it raises.
    """

    @property
    def traceparent(self) -> str: ...

    def set(self, attributes: Mapping[str, Value]) -> None: ...

    def note(self, name: str, attributes: Mapping[str, Value]) -> None:
        """Something that happened meanwhile."""
        ...

    def fail(self, kind: str) -> None:
        """The work failed with this kind of error."""
        ...

    def child(self, name: str, attributes: Mapping[str, Value], *, at: int | None = None) -> Span: ...

    def end(self, *, at: int | None = None) -> None: ...


class Tracer(Protocol):
    """Begins spans that no other span of this process is above."""

    def begin(self, name: str, kind: Kind, attributes: Mapping[str, Value], *, parent: str = "") -> Span:
        """A span, below the `traceparent` of another process where one is given."""
        ...

    def close(self) -> None:
        """Send what has ended. Blocking, at most some seconds."""
        ...


class _NoSpan:
    traceparent = ""

    def set(self, attributes: Mapping[str, Value]) -> None: ...

    def note(self, name: str, attributes: Mapping[str, Value]) -> None: ...

    def fail(self, kind: str) -> None: ...

    def child(self, name: str, attributes: Mapping[str, Value], *, at: int | None = None) -> Span:
        return self

    def end(self, *, at: int | None = None) -> None: ...


class _NoTracer:
    def begin(self, name: str, kind: Kind, attributes: Mapping[str, Value], *, parent: str = "") -> Span:
        return NO_SPAN

    def close(self) -> None: ...


NO_SPAN: Span = _NoSpan()
_NO_TRACER: Tracer = _NoTracer()
_tracer: Tracer = _NO_TRACER

current_span: ContextVar[Span] = ContextVar("current_span", default=NO_SPAN)
"""The request or run that the current task works for."""


runs_under_way: set[Span] = set()
"""The spans of this process's runs, while anybody collects them."""


def tracer() -> Tracer:
    """What begins spans in this process."""
    return _tracer


def tracing() -> bool:
    """Whether anybody collects spans."""
    return _tracer is not _NO_TRACER


@contextmanager
def traces_sent(endpoint: str, *, service: str, sample: float = 1.0) -> Iterator[None]:
    """Send traces in this block to an OTLP/HTTP address; an empty one sends none. Leaving it may block for seconds.

    Raises MissingDependency where an address is set and opentelemetry is not installed.
    """
    if not endpoint:
        yield
        return
    from jackfield.telemetry.otlp import otlp_tracer

    with spans_begun_by(otlp_tracer(endpoint, service=service, sample=sample)):
        yield


@contextmanager
def spans_begun_by(chosen: Tracer) -> Iterator[None]:
    """Use a tracer in this process until the block is left; it is closed then."""
    global _tracer
    before, _tracer = _tracer, chosen
    try:
        yield
    finally:
        _tracer = before
        chosen.close()


def note_outage(what: str, kind: str) -> None:
    """Tell every run under way in this process, and the current request, what could not be reached."""
    for span in {current_span.get(), *runs_under_way}:
        span.note("outage", {"jackfield.outage": what, "error.type": kind})
