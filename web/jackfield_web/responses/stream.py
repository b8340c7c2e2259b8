"""A response event by event. The same run gives the same events under the same numbers, however often it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from jackfield.contracts.runs import RunRecord
from jackfield.errors import JackfieldError, RunCancelled, Unavailable
from jackfield.events import (
    CallOpened,
    CallText,
    CallWritten,
    Cancelled,
    Failed,
    Finished,
    SourcesFound,
    Started,
    TextDelta,
)
from jackfield_web.answers.answers import AnswerEvent
from jackfield_web.answers.event_stream import KEEP_ALIVE, framed
from jackfield_web.answers.written import Transcript, WrittenCall
from jackfield_web.errors import problem_of
from jackfield_web.responses.answers import End, output_item, response_so_far
from jackfield_web.responses.replies import OutputCall, OutputItem, OutputMessage, OutputText, Response
from jackfield_web.responses.stream_events import (
    AnnotationAdded,
    ArgumentsDone,
    ArgumentsMore,
    Completed,
    Created,
    FailedResponse,
    Fault,
    Incomplete,
    InProgress,
    ItemAdded,
    ItemDone,
    PartAdded,
    PartDone,
    StreamEvent,
    TextDone,
    TextMore,
)


class ResponseFrames:
    """Writes a stream's events, those that a reader has seen left out."""

    silence = KEEP_ALIVE

    def __init__(self, runs: Sequence[RunRecord], *, after: int = -1) -> None:
        (run,) = runs
        self._run = msgspec.structs.replace(run, state="running", finished_at=None)
        self._after = after
        self._number = -1
        self._transcript = Transcript()
        self._items = 0
        self._open: OutputItem | None = None
        self._encode = msgspec.json.Encoder().encode

    def frames(self, index: int, event: AnswerEvent) -> Iterator[bytes]:
        """What one event adds."""
        for event_out in self._events(event):
            if event_out.sequence_number > self._after:
                yield framed(self._encode(event_out), name=str(type(event_out).__struct_config__.tag))

    def closing(self) -> Iterator[bytes]:
        """Nothing: the last event has the whole response."""
        yield from ()

    def failing(self, error: Exception) -> Iterator[bytes]:
        """That the response failed; or, where the server only stops to tell of it, an error."""
        event = self._fault(error) if isinstance(error, Unavailable) else self._failed(error)
        yield framed(self._encode(event), name=str(type(event).__struct_config__.tag))

    def _events(self, event: AnswerEvent) -> Iterator[StreamEvent]:
        match event:
            case SourcesFound():
                self._transcript.add(event)
            case Started():
                yield from self._begin()
            case TextDelta(text=text) if text:
                yield from self._in_message()
                yield from self._text(event)
            case CallOpened():
                yield from self._in_call(event.call, event.tool)
                self._transcript.add(event)
            case CallText(call=identifier, text=text) if text and self._in_open_call(identifier):
                self._transcript.add(event)
                yield self._arguments(text)
            case CallWritten(ours=False):
                yield from self._written(event)
            case Finished():
                yield from self._begin()
                yield from self._end_item()
                response = self._response(event)
                kind = Incomplete if response.status == "incomplete" else Completed
                yield kind(sequence_number=self._next(), response=response)

    def _begin(self) -> Iterator[StreamEvent]:
        if self._number < 0:
            yield Created(sequence_number=self._next(), response=self._response())
            yield InProgress(sequence_number=self._next(), response=self._response())

    def _in_message(self) -> Iterator[StreamEvent]:
        if isinstance(self._open, OutputMessage):
            return
        yield from self._open_item("")
        if self._open:
            yield PartAdded(
                sequence_number=self._next(),
                item_id=self._open.id,
                output_index=self._place,
                content_index=0,
                part=OutputText(text=""),
            )

    def _in_call(self, identifier: str, tool: str) -> Iterator[StreamEvent]:
        if not self._in_open_call(identifier):
            yield from self._open_item(WrittenCall(identifier=identifier, tool=tool))

    def _open_item(self, part: str | WrittenCall) -> Iterator[StreamEvent]:
        yield from self._begin()
        yield from self._end_item()
        item = output_item(self._run, self._items, part, ended=False)
        self._open = item
        self._items += 1
        shown = msgspec.structs.replace(item, content=[]) if isinstance(item, OutputMessage) else item
        yield ItemAdded(sequence_number=self._next(), output_index=self._place, item=shown)

    def _text(self, delta: TextDelta) -> Iterator[StreamEvent]:
        self._transcript.add(delta)
        if self._open:
            yield TextMore(
                sequence_number=self._next(),
                item_id=self._open.id,
                output_index=self._place,
                content_index=0,
                delta=delta.text,
            )

    def _arguments(self, text: str) -> ArgumentsMore:
        item_id = self._open.id if self._open else ""
        return ArgumentsMore(sequence_number=self._next(), item_id=item_id, output_index=self._place, delta=text)

    def _written(self, event: CallWritten) -> Iterator[StreamEvent]:
        yield from self._in_call(event.call.identifier, event.call.tool)
        before = self._transcript.parts[-1:]
        had_text = any(isinstance(part, WrittenCall) and part.arguments for part in before)
        self._transcript.add(event)
        part = self._transcript.parts[-1]
        if isinstance(part, WrittenCall) and not had_text:
            yield self._arguments(part.arguments)
        yield from self._end_item()

    def _end_item(self) -> Iterator[StreamEvent]:
        if self._open is None:
            return
        written, found = self._transcript.parts[-1], self._transcript.found
        item = output_item(self._run, self._place, written, ended=True, found=found)
        match item:
            case OutputMessage(content=[part]):
                yield from self._end_text(item.id, part)
            case OutputCall():
                yield ArgumentsDone(
                    sequence_number=self._next(),
                    item_id=item.id,
                    output_index=self._place,
                    name=item.name,
                    arguments=item.arguments,
                )
        yield ItemDone(sequence_number=self._next(), output_index=self._place, item=item)
        self._open = None

    def _end_text(self, item_id: str, part: OutputText) -> Iterator[StreamEvent]:
        place = self._place
        yield TextDone(
            sequence_number=self._next(), item_id=item_id, output_index=place, content_index=0, text=part.text
        )
        for index, annotation in enumerate(part.annotations):
            yield AnnotationAdded(
                sequence_number=self._next(),
                item_id=item_id,
                output_index=place,
                content_index=0,
                annotation_index=index,
                annotation=annotation,
            )
        yield PartDone(sequence_number=self._next(), item_id=item_id, output_index=place, content_index=0, part=part)

    @property
    def _place(self) -> int:
        return self._items - 1

    def _in_open_call(self, identifier: str) -> bool:
        return isinstance(self._open, OutputCall) and self._open.call_id == identifier

    def _failed(self, error: Exception) -> StreamEvent:
        problem = problem_of(error).body.error
        failure = Failed(code=problem.code or "error", message=problem.message)
        end = Cancelled() if isinstance(error, RunCancelled) else failure
        response = self._response(end)
        return FailedResponse(sequence_number=self._next(), response=response)

    def _fault(self, error: JackfieldError) -> StreamEvent:
        return Fault(sequence_number=self._next(), code=error.code, message=error.message, param=error.parameter)

    def _response(self, end: End | None = None) -> Response:
        return response_so_far(self._run, self._transcript.parts, end, found=self._transcript.found)

    def _next(self) -> int:
        self._number += 1
        return self._number
