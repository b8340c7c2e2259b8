"""From a run to a message: whole, or event by event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from jackfield.contracts.runs import RunRecord
from jackfield.events import CallOpened, CallText, CallWritten, Finished, Started, TextDelta, Usage
from jackfield_web.answers.answers import AnswerEvent
from jackfield_web.answers.event_stream import framed
from jackfield_web.answers.written import Written, WrittenCall, arguments_text
from jackfield_web.messages.errors import message_problem
from jackfield_web.messages.replies import (
    AnsweredBlock,
    AnsweredText,
    AnsweredToolUse,
    BlockDelta,
    BlockStart,
    BlockStop,
    InputMore,
    MessageAnswer,
    MessageDelta,
    MessageEnd,
    MessageStart,
    MessageStop,
    MessageUsage,
    Ping,
    StopReason,
    StreamEvent,
    TextMore,
)


def message_answer(run: RunRecord, written: Written) -> MessageAnswer:
    """The whole turn; a call within which it was cut short is left out."""
    blocks = [block for part in written.parts if (block := _block(part))]
    return MessageAnswer(
        id=_identifier(run),
        model=run.request.model,
        content=blocks,
        stop_reason=_stop_reason(run, written.end),
        stop_sequence=written.end.stop,
        usage=_usage(written.end.usage),
    )


class MessageFrames:
    """Writes a stream's events: one block at a time, each begun, filled and ended."""

    def __init__(self, runs: Sequence[RunRecord]) -> None:
        (self._run,) = runs
        self._encode = msgspec.json.Encoder().encode
        self._begun = False
        self._blocks = 0
        self._open: str | None = None
        self._filled: set[str] = set()

    @property
    def silence(self) -> bytes:
        """A ping."""
        return self._frame(Ping())

    def frames(self, index: int, event: AnswerEvent) -> Iterator[bytes]:
        """What one event adds."""
        for event_out in self._events(event):
            yield self._frame(event_out)

    def closing(self) -> Iterator[bytes]:
        """That it is whole."""
        yield self._frame(MessageStop())

    def failing(self, error: Exception) -> Iterator[bytes]:
        """An error event."""
        yield framed(self._encode(message_problem(error).body), name="error")

    def _events(self, event: AnswerEvent) -> Iterator[StreamEvent]:
        match event:
            case Started(prompt_tokens=prompt_tokens):
                yield from self._begin(prompt_tokens)
            case TextDelta(text=text) if text:
                yield from self._in_block("", AnsweredText(text=""))
                yield self._delta(TextMore(text=text))
            case CallOpened(call=identifier, tool=tool):
                yield from self._in_block(identifier, AnsweredToolUse(id=identifier, name=tool, input={}))
            case CallText(call=identifier, text=text) if text and identifier == self._open:
                self._filled.add(identifier)
                yield self._delta(InputMore(partial_json=text))
            case CallWritten(call=call, ours=False):
                block = AnsweredToolUse(id=call.identifier, name=call.tool, input={})
                yield from self._in_block(call.identifier, block)
                if call.identifier not in self._filled:
                    yield self._delta(InputMore(partial_json=arguments_text(call)))
                yield from self._end_block()
            case Finished():
                yield from self._begin(event.usage.prompt_tokens)
                yield from self._end_block()
                end = MessageEnd(stop_reason=_stop_reason(self._run, event), stop_sequence=event.stop)
                yield MessageDelta(delta=end, usage=_usage(event.usage))

    def _begin(self, prompt_tokens: int) -> Iterator[StreamEvent]:
        if self._begun:
            return
        self._begun = True
        yield MessageStart(
            message=MessageAnswer(
                id=_identifier(self._run),
                model=self._run.request.model,
                content=[],
                stop_reason=None,
                stop_sequence=None,
                usage=MessageUsage(input_tokens=prompt_tokens, output_tokens=0),
            )
        )

    def _in_block(self, name: str, block: AnsweredBlock) -> Iterator[StreamEvent]:
        """Begin a block of a call's name, or of none for text, unless it is the one that is open."""
        yield from self._begin(0)
        if self._open == name:
            return
        yield from self._end_block()
        self._open = name
        self._blocks += 1
        yield BlockStart(index=self._blocks - 1, content_block=block)

    def _end_block(self) -> Iterator[StreamEvent]:
        if self._open is not None:
            self._open = None
            yield BlockStop(index=self._blocks - 1)

    def _delta(self, more: TextMore | InputMore) -> BlockDelta:
        return BlockDelta(index=self._blocks - 1, delta=more)

    def _frame(self, event: StreamEvent) -> bytes:
        return framed(self._encode(event), name=str(type(event).__struct_config__.tag))


def _identifier(run: RunRecord) -> str:
    """The message's identifier; that of its run begins with `run_` instead."""
    return f"msg_{run.id.removeprefix('run_')}"


def _block(part: str | WrittenCall) -> AnsweredBlock | None:
    if isinstance(part, str):
        return AnsweredText(text=part)
    if part.call is None:
        return None
    return AnsweredToolUse(id=part.identifier, name=part.tool, input=part.call.arguments)


def _stop_reason(run: RunRecord, end: Finished) -> StopReason:
    match end.reason:
        case "tool_calls":
            return "tool_use"
        case "length":
            most = run.request.max_tokens or 0
            return "max_tokens" if end.usage.completion_tokens >= most else "model_context_window_exceeded"
        case _:
            return "stop_sequence" if end.stop is not None else "end_turn"


def _usage(usage: Usage) -> MessageUsage:
    return MessageUsage(
        input_tokens=usage.prompt_tokens - usage.cached_tokens,
        output_tokens=usage.completion_tokens,
        cache_read_input_tokens=usage.cached_tokens,
    )
