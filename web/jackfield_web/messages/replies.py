"""Answers as Anthropic words them, whole and event by event."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "model_context_window_exceeded"]


class MessageUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens evaluated, those of the prompt that were in a cache instead, and tokens written."""

    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0


class AnsweredText(msgspec.Struct, frozen=True, kw_only=True, tag="text", tag_field="type"):
    """Text."""

    text: str


class AnsweredToolUse(msgspec.Struct, frozen=True, kw_only=True, tag="tool_use", tag_field="type"):
    """A call that the caller is to run, and to answer under its identifier."""

    id: str
    name: str
    input: dict[str, Any]


AnsweredBlock = AnsweredText | AnsweredToolUse


class MessageAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="message", tag_field="type"):
    """A model's turn; `stop_sequence` is the request's that ended it, if one did."""

    id: str
    role: Literal["assistant"] = "assistant"
    model: str
    content: list[AnsweredBlock]
    stop_reason: StopReason | None
    stop_sequence: str | None
    usage: MessageUsage


class TokenCount(msgspec.Struct, frozen=True, kw_only=True):
    """How long a prompt is."""

    input_tokens: int


class MessageStart(msgspec.Struct, frozen=True, kw_only=True, tag="message_start", tag_field="type"):
    """The message, with nothing in it yet."""

    message: MessageAnswer


class BlockStart(msgspec.Struct, frozen=True, kw_only=True, tag="content_block_start", tag_field="type"):
    """A block begins."""

    index: int
    content_block: AnsweredBlock


class TextMore(msgspec.Struct, frozen=True, kw_only=True, tag="text_delta", tag_field="type"):
    """More text."""

    text: str


class InputMore(msgspec.Struct, frozen=True, kw_only=True, tag="input_json_delta", tag_field="type"):
    """More of a call's input, as JSON text."""

    partial_json: str


class BlockDelta(msgspec.Struct, frozen=True, kw_only=True, tag="content_block_delta", tag_field="type"):
    """More of the block of an index."""

    index: int
    delta: TextMore | InputMore


class BlockStop(msgspec.Struct, frozen=True, kw_only=True, tag="content_block_stop", tag_field="type"):
    """A block is whole."""

    index: int


class MessageEnd(msgspec.Struct, frozen=True, kw_only=True):
    """Why the message ended."""

    stop_reason: StopReason
    stop_sequence: str | None


class MessageDelta(msgspec.Struct, frozen=True, kw_only=True, tag="message_delta", tag_field="type"):
    """How the message ended, and the counts of all of it."""

    delta: MessageEnd
    usage: MessageUsage


class MessageStop(msgspec.Struct, frozen=True, kw_only=True, tag="message_stop", tag_field="type"):
    """The message is whole."""


class Ping(msgspec.Struct, frozen=True, kw_only=True, tag="ping", tag_field="type"):
    """The server is there."""


StreamEvent = MessageStart | BlockStart | BlockDelta | BlockStop | MessageDelta | MessageStop | Ping
