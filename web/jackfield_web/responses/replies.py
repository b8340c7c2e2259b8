"""Responses as OpenAI words them."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from jackfield_web.answers.sources import ToldSource
from jackfield_web.responses.requests import TextConfig
from jackfield_web.responses.tools import Choice, FunctionSpec

ResponseStatus = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
ItemStatus = Literal["in_progress", "completed", "incomplete"]


class FileCitation(msgspec.Struct, frozen=True, kw_only=True, tag="file_citation", tag_field="type"):
    """A file that the text cites: `index` is the character where its number stands in brackets.

    `number` is that of the source, and `start` and `end` are bytes of the version's text.
    """

    file_id: str
    filename: str
    index: int
    number: int
    collection: str
    version: int
    start: int
    end: int


class OutputText(msgspec.Struct, frozen=True, kw_only=True, tag="output_text", tag_field="type"):
    """Text, and what it cites; no scores are told."""

    text: str
    annotations: list[FileCitation] = []
    logprobs: list[str] = []


class OutputMessage(msgspec.Struct, frozen=True, kw_only=True, tag="message", tag_field="type"):
    """What the model said."""

    id: str
    status: ItemStatus
    role: Literal["assistant"] = "assistant"
    content: list[OutputText]


class OutputCall(msgspec.Struct, frozen=True, kw_only=True, tag="function_call", tag_field="type"):
    """A call that the caller is to run; an incomplete one was cut short."""

    id: str
    status: ItemStatus
    call_id: str
    name: str
    arguments: str


OutputItem = OutputMessage | OutputCall


class InputTokensDetails(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the input's tokens were in a cache and not evaluated again."""

    cached_tokens: int
    cache_write_tokens: int = 0


class OutputTokensDetails(msgspec.Struct, frozen=True, kw_only=True):
    """How many tokens were thoughts that are not shown: none."""

    reasoning_tokens: int = 0


class ResponseUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens read and written."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails = OutputTokensDetails()
    total_tokens: int


class ResponseFault(msgspec.Struct, frozen=True, kw_only=True):
    """What a response failed with, in OpenAI's words."""

    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
    message: str


class IncompleteDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Why an answer is not whole."""

    reason: Literal["max_output_tokens"] = "max_output_tokens"


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, and what was asked for; `output` is in the order it was written.

    `sources` are there where some were looked for.
    """

    id: str
    object: Literal["response"] = "response"
    created_at: int
    completed_at: int | None
    status: ResponseStatus
    error: ResponseFault | None
    incomplete_details: IncompleteDetails | None
    model: str
    output: list[OutputItem]
    sources: list[ToldSource] | UnsetType = UNSET
    usage: ResponseUsage | None
    instructions: str | None
    previous_response_id: str | None
    tools: list[FunctionSpec]
    tool_choice: Choice
    parallel_tool_calls: bool
    max_output_tokens: int | None
    temperature: float | None
    top_p: float | None
    text: TextConfig
    truncation: Literal["disabled"] = "disabled"
    metadata: dict[str, str]
    store: bool
    background: bool
    user: str | None
