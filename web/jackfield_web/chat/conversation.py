"""A chat's messages as clients send them, and as Jackfield has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from jackfield.errors import InvalidRequest, UnsupportedParameter
from jackfield.messages import Call, Message, Role, Span
from jackfield_web.call_ledger import CallLedger
from jackfield_web.chat.calls import (
    FunctionCall,
    ToolCall,
    answered_call,
    answered_call_in_old_style,
    written_call,
    written_call_in_old_style,
)

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


class ContentPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a message; only `text` can be read, and the others are there to be refused by name."""

    type: str
    text: str | None = None
    image_url: Any = None
    video_url: Any = None
    input_audio: Any = None
    file: Any = None
    refusal: Any = None


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One turn; fields that only ever are null here make it easy to send back what was answered."""

    role: Annotated[
        Literal["system", "developer", "user", "assistant", "tool", "function"],
        Meta(description="`function` is the older name of `tool`."),
    ]
    content: (
        Annotated[
            str | list[ContentPart], Meta(description="May be null only in an assistant's message that makes calls.")
        ]
        | None
    ) = None
    name: str | None = None
    tool_call_id: Annotated[str, Meta(description="With role `tool`: the call that this is the result of.")] | None = (
        None
    )
    tool_calls: Annotated[list[ToolCall], Meta(description="With role `assistant`: the calls it made.")] | None = None
    function_call: Annotated[FunctionCall, Meta(description="The older form of one call.")] | None = None
    refusal: str | None = None
    audio: Any = None
    annotations: list[Any] | None = None
    parsed: Annotated[Any, Meta(description="What OpenAI's client made of an answer; not read.")] = None


def conversation(messages: Sequence[ChatMessage]) -> tuple[Message, ...]:
    """The messages, each part a span of its role's origin; raises InvalidRequest for what is not text.

    A result must answer a call that stands before it and was not answered yet.
    """
    ledger = CallLedger()
    return tuple(_message(message, index, ledger) for index, message in enumerate(messages))


def spoken_text(content: str | list[ContentPart], place: str) -> tuple[str, ...]:
    """The texts of a content, one a part; raises InvalidRequest where it has none."""
    if isinstance(content, str):
        return (content,)
    if not content:
        raise InvalidRequest(f"'{place}' has no parts; at least one is expected.", parameter=place)
    return tuple(_text(part, f"{place}[{index}]") for index, part in enumerate(content))


def _message(message: ChatMessage, number: int, ledger: CallLedger) -> Message:
    place = f"messages[{number}]"
    _check_fields(message, place)
    role = ROLES[message.role]
    calls = _calls(message, place, number, ledger)
    spans = tuple(Span(text, role) for text in _texts(message, place, calls))
    answers, name = _answer(message, place, ledger)
    return Message(role=role, spans=spans, name=name, calls=calls, answers=answers)


def _texts(message: ChatMessage, place: str, calls: Sequence[Call]) -> tuple[str, ...]:
    if calls and message.content in (None, ""):
        return ()
    if message.content is None:
        raise InvalidRequest(f"Parameter '{place}.content' is missing.", parameter=f"{place}.content")
    return spoken_text(message.content, f"{place}.content")


def _calls(message: ChatMessage, place: str, number: int, ledger: CallLedger) -> tuple[Call, ...]:
    if message.function_call is not None:
        return (written_call_in_old_style(message.function_call, place, number, ledger),)
    calls = message.tool_calls or ()
    return tuple(written_call(call, f"{place}.tool_calls[{index}]", ledger) for index, call in enumerate(calls))


def _answer(message: ChatMessage, place: str, ledger: CallLedger) -> tuple[str | None, str | None]:
    """Which call a message answers, and the name it bears: of the tool where it is a tool's."""
    if message.role == "tool":
        if message.tool_call_id is None:
            raise InvalidRequest(
                f"Parameter '{place}.tool_call_id' is missing: it names the call that this is the result of.",
                parameter=f"{place}.tool_call_id",
            )
        tool = answered_call(message.tool_call_id, place, ledger)
        if message.name not in (None, tool):
            sentence = f"'{place}.name' is '{message.name}', and the call that it answers is of '{tool}'."
            raise InvalidRequest(sentence, parameter=f"{place}.name")
        return message.tool_call_id, tool
    if message.role == "function":
        if message.name is None:
            raise InvalidRequest(f"Parameter '{place}.name' is missing.", parameter=f"{place}.name")
        return answered_call_in_old_style(message.name, place, ledger), message.name
    return None, message.name


def _check_fields(message: ChatMessage, place: str) -> None:
    for field in ("refusal", "audio", "annotations"):
        if getattr(message, field):
            sentence = f"'{place}.{field}' cannot be shown to a model; send the text as 'content'."
            raise UnsupportedParameter(sentence, parameter=f"{place}.{field}")
    for field, role in (("tool_call_id", "tool"), ("tool_calls", "assistant"), ("function_call", "assistant")):
        if getattr(message, field) and message.role != role:
            sentence = f"'{place}.{field}' belongs to messages of role '{role}', not '{message.role}'."
            raise InvalidRequest(sentence, parameter=f"{place}.{field}")
    if message.tool_calls and message.function_call:
        sentence = f"'{place}' has both 'tool_calls' and 'function_call'; give one of them."
        raise InvalidRequest(sentence, parameter=f"{place}.function_call")


def _text(part: ContentPart, place: str) -> str:
    if part.type != "text":
        sentence = f"'{place}' is of type '{part.type}', and models here read text only."
        raise UnsupportedParameter(sentence, parameter=f"{place}.type")
    if part.text is None:
        raise InvalidRequest(f"Parameter '{place}.text' is missing.", parameter=f"{place}.text")
    return part.text
