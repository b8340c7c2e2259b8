"""Conversations as a model reads them: tools in a system message, calls as they were written, results as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield.messages import Call, Message, Span

WrittenCalls = Callable[[Sequence[Call]], str]


def signature(tool: ToolDescription) -> dict[str, Any]:
    """A tool as chat templates and OpenAI's API show it."""
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def compact(value: Any) -> str:
    """JSON on one line."""
    return json.dumps(value, ensure_ascii=False)


def with_instructions(messages: Sequence[Message], instructions: str) -> tuple[Message, ...]:
    """A conversation whose system message ends with instructions."""
    span = Span(instructions, "system")
    if messages and messages[0].role == "system":
        first = messages[0]
        spans = (*first.spans, Span("\n\n", "system"), span) if first.text else (span,)
        return (msgspec.structs.replace(first, spans=spans), *messages[1:])
    return (Message(role="system", spans=(span,)), *messages)


def with_written_calls(messages: Sequence[Message], written: WrittenCalls) -> Iterator[Message]:
    """Turns whose calls stand in their text."""
    for message in messages:
        if message.role == "assistant" and message.calls:
            text = ("\n" if message.text else "") + written(message.calls)
            yield msgspec.structs.replace(message, spans=(*message.spans, Span(text, "assistant")), calls=())
        else:
            yield message


def results_as_users_turns(
    messages: Sequence[Message], opening: str, closing: str, *, remark: str = ""
) -> Iterator[Message]:
    """Results in the words of a user, for templates that know no tools; those that follow on each other in one turn.

    A `remark` ends each such turn.
    """
    spans: list[Span] = []
    for message in messages:
        if message.role == "tool":
            spans += [Span("\n" + opening if spans else opening, "system"), *message.spans, Span(closing, "system")]
            continue
        if spans:
            yield _users_turn(spans, remark)
            spans = []
        yield message
    if spans:
        yield _users_turn(spans, remark)


def _users_turn(spans: Sequence[Span], remark: str) -> Message:
    return Message(role="user", spans=tuple(span for span in (*spans, Span(remark, "system")) if span.text))


def tool_turn(call: Call, result: ToolResult) -> Message:
    """A result in a turn of its own."""
    text = f"Error: {result.text}" if result.error else result.text
    return Message(role="tool", spans=(Span(text, result.provenance),), name=call.tool, answers=call.identifier)
