"""The events of a streamed response, as OpenAI words them."""

from __future__ import annotations

import msgspec

from jackfield_web.responses.replies import FileCitation, OutputItem, OutputText, Response


class StreamEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """An event in its stream's order; numbers start at 0 and have no gaps."""

    sequence_number: int


class Created(StreamEvent, frozen=True, kw_only=True, tag="response.created"):
    """It begins."""

    response: Response


class InProgress(StreamEvent, frozen=True, kw_only=True, tag="response.in_progress"):
    """The model reads."""

    response: Response


class ItemAdded(StreamEvent, frozen=True, kw_only=True, tag="response.output_item.added"):
    """An item begins."""

    output_index: int
    item: OutputItem


class PartAdded(StreamEvent, frozen=True, kw_only=True, tag="response.content_part.added"):
    """A message's text begins."""

    item_id: str
    output_index: int
    content_index: int
    part: OutputText


class TextMore(StreamEvent, frozen=True, kw_only=True, tag="response.output_text.delta"):
    """More text."""

    item_id: str
    output_index: int
    content_index: int
    delta: str
    logprobs: list[str] = []


class AnnotationAdded(StreamEvent, frozen=True, kw_only=True, tag="response.output_text.annotation.added"):
    """Something that the text cites."""

    item_id: str
    output_index: int
    content_index: int
    annotation_index: int
    annotation: FileCitation


class TextDone(StreamEvent, frozen=True, kw_only=True, tag="response.output_text.done"):
    """The whole text."""

    item_id: str
    output_index: int
    content_index: int
    text: str
    logprobs: list[str] = []


class PartDone(StreamEvent, frozen=True, kw_only=True, tag="response.content_part.done"):
    """A message's text is whole."""

    item_id: str
    output_index: int
    content_index: int
    part: OutputText


class ArgumentsMore(StreamEvent, frozen=True, kw_only=True, tag="response.function_call_arguments.delta"):
    """More of a call's arguments, as JSON text."""

    item_id: str
    output_index: int
    delta: str


class ArgumentsDone(StreamEvent, frozen=True, kw_only=True, tag="response.function_call_arguments.done"):
    """A call's whole arguments."""

    item_id: str
    output_index: int
    name: str
    arguments: str


class ItemDone(StreamEvent, frozen=True, kw_only=True, tag="response.output_item.done"):
    """An item is whole."""

    output_index: int
    item: OutputItem


class Completed(StreamEvent, frozen=True, kw_only=True, tag="response.completed"):
    """The response is whole."""

    response: Response


class Incomplete(StreamEvent, frozen=True, kw_only=True, tag="response.incomplete"):
    """It is as long as was allowed."""

    response: Response


class FailedResponse(StreamEvent, frozen=True, kw_only=True, tag="response.failed"):
    """It failed, or somebody stopped it."""

    response: Response


class Fault(StreamEvent, frozen=True, kw_only=True, tag="error"):
    """The stream ends here, whatever becomes of the response."""

    code: str | None
    message: str
    param: str | None
