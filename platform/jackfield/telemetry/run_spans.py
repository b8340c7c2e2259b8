"""A run as spans, read from its events: the run, its prefill and decoding, and each tool call.

Names and attributes follow OpenTelemetry's semantic conventions for generative AI. What was asked and written, and
what tools are called with, is never part of a span.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog

from jackfield.contracts.runs import RunRecord, RunRequest
from jackfield.errors import JackfieldError
from jackfield.events import (
    Answered,
    CallEnded,
    CallOpened,
    CallStarted,
    CallText,
    Cancelled,
    Failed,
    Finished,
    Paused,
    RunEventBody,
    Started,
    TextDelta,
    Usage,
)
from jackfield.telemetry.origin import read_origin
from jackfield.telemetry.spans import NO_SPAN, Span, Value, current_span, runs_under_way, tracer, tracing


def traced(
    run: RunRecord, bodies: AsyncGenerator[RunEventBody], *, resumed: bool = False
) -> AsyncGenerator[RunEventBody]:
    """A run's events as they are, with spans made of them where anybody collects spans."""
    return _traced(run, bodies, resumed=resumed) if tracing() else bodies


def bind_run(run: RunRecord) -> None:
    """From here on, the current task's log lines name the run and the request that asked for it."""
    request_id = read_origin(run.trace).request_id
    structlog.contextvars.bind_contextvars(run=run.id, **({"request_id": request_id} if request_id else {}))


async def _traced(
    run: RunRecord, bodies: AsyncGenerator[RunEventBody], *, resumed: bool
) -> AsyncGenerator[RunEventBody]:
    spans = RunSpans(run, resumed=resumed)
    current_span.set(spans.run)
    runs_under_way.add(spans.run)
    try:
        async with aclosing(bodies):
            async for body in bodies:
                spans.observe(body)
                yield body
    except JackfieldError as error:
        spans.fail(error.code)
        raise
    finally:
        runs_under_way.discard(spans.run)
        spans.end()


class RunSpans:
    """The spans of one run in one process; a run that goes on elsewhere begins a second one in the same trace."""

    def __init__(self, run: RunRecord, *, resumed: bool = False) -> None:
        operation = "chat" if run.request.messages else "text_completion"
        attributes = {**_asked(run.request), "gen_ai.operation.name": operation, "jackfield.run.id": run.id}
        attributes["jackfield.run.resumed"] = resumed
        self.run = tracer().begin(
            f"{operation} {run.request.model}", "consumer", attributes, parent=read_origin(run.trace).traceparent
        )
        self._phase = NO_SPAN
        self._decoding = False
        self._calls: dict[str, Span] = {}

    def observe(self, body: RunEventBody) -> None:
        """One more event of the run, as it happens."""
        match body:
            case Started(model=model, prompt_tokens=tokens):
                self.run.set({"gen_ai.response.model": model})
                self._begin("prefill", {"gen_ai.usage.input_tokens": tokens})
            case TextDelta() | CallOpened() | CallText() if not self._decoding:
                self._begin("decode", {})
                self._decoding = True
            case Answered(usage=usage):
                self._end_phase(usage)
            case CallStarted(call=call, tool=tool):
                names: dict[str, Value] = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool}
                self._calls[call] = self.run.child(f"execute_tool {tool}", names | {"gen_ai.tool.call.id": call})
            case CallEnded(call=written, error=error) if span := self._calls.pop(written.identifier, None):
                _end(span, "tool_failure" if error else "")
            case Finished(usage=usage, reason=reason):
                self._end_phase(usage)
                self.run.set({**_used(usage), "gen_ai.response.finish_reasons": (reason,)})
            case Cancelled(usage=usage):
                self.run.set({**(_used(usage) if usage else {}), "gen_ai.response.finish_reasons": ("cancelled",)})
            case Paused(reason=reason):
                self.run.note("paused", {"jackfield.pause.reason": reason})
            case Failed(code=code):
                self.run.fail(code)

    def fail(self, kind: str) -> None:
        """The run failed with an error that is no event yet."""
        self.run.fail(kind)

    def end(self) -> None:
        """Nothing more happens in this process."""
        self._phase.end()
        for span in self._calls.values():
            _end(span, "cancelled")
        self.run.end()

    def _begin(self, name: str, attributes: dict[str, Value]) -> None:
        self._phase.end()
        self._phase = self.run.child(name, attributes)

    def _end_phase(self, usage: Usage) -> None:
        if self._decoding:
            self._phase.set({"gen_ai.usage.output_tokens": usage.completion_tokens})
        self._phase.end()
        self._phase, self._decoding = NO_SPAN, False


def _asked(request: RunRequest) -> dict[str, Value]:
    """A request's shape, without what it says."""
    asked: dict[str, Value] = {"gen_ai.provider.name": "jackfield", "gen_ai.request.model": request.model}
    if request.max_tokens is not None:
        asked["gen_ai.request.max_tokens"] = request.max_tokens
    for name in ("temperature", "top_p", "top_k", "seed"):
        value = request.sampling.get(name)
        if isinstance(value, int | float):
            asked[f"gen_ai.request.{name}"] = value
    if request.conversation_id:
        asked["gen_ai.conversation.id"] = request.conversation_id
    if request.agent:
        asked["gen_ai.agent.name"] = request.agent
    return asked


def _used(usage: Usage) -> dict[str, Value]:
    return {
        "gen_ai.usage.input_tokens": usage.prompt_tokens,
        "gen_ai.usage.output_tokens": usage.completion_tokens,
    }


def _end(span: Span, error: str) -> None:
    if error:
        span.fail(error)
    span.end()
