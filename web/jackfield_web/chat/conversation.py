"""A chat's messages as clients send them, and as Jackfield has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from jackfield.errors import InvalidRequest, UnsupportedParameter
from jackfield.messages import Message, Role, Span

NO_TOOLS_YET = "tools arrive in a later version of Jackfield."

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
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

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[ContentPart] | None = None
    name: str | None = None
    tool_call_id: (
        Annotated[str, Meta(description="Taken with role `tool`; models see no calls until tools arrive.")] | None
    ) = None
    tool_calls: list[Any] | None = None
    function_call: Any = None
    refusal: str | None = None
    audio: Any = None
    annotations: list[Any] | None = None


def conversation(messages: Sequence[ChatMessage]) -> tuple[Message, ...]:
    """The messages, each part a span of its role's origin; raises InvalidRequest for what is not text."""
    return tuple(_message(message, f"messages[{index}]") for index, message in enumerate(messages))


def _message(message: ChatMessage, place: str) -> Message:
    _refuse_calls(message, place)
    role = ROLES[message.role]
    if message.content is None:
        raise InvalidRequest(f"Parameter '{place}.content' is missing.", parameter=f"{place}.content")
    texts = [message.content] if isinstance(message.content, str) else _texts(message.content, f"{place}.content")
    return Message(role=role, spans=tuple(Span(text, role) for text in texts), name=message.name)


def _refuse_calls(message: ChatMessage, place: str) -> None:
    for field in ("tool_calls", "function_call"):
        if getattr(message, field):
            raise UnsupportedParameter(f"'{place}.{field}': {NO_TOOLS_YET}", parameter=f"{place}.{field}")
    for field in ("refusal", "audio", "annotations"):
        if getattr(message, field):
            sentence = f"'{place}.{field}' cannot be shown to a model; send the text as 'content'."
            raise UnsupportedParameter(sentence, parameter=f"{place}.{field}")
    if message.tool_call_id is not None and message.role != "tool":
        sentence = f"'{place}.tool_call_id' belongs to messages of role 'tool', not '{message.role}'."
        raise InvalidRequest(sentence, parameter=f"{place}.tool_call_id")


def _texts(parts: Sequence[ContentPart], place: str) -> list[str]:
    if not parts:
        raise InvalidRequest(f"'{place}' has no parts; at least one is expected.", parameter=place)
    return [_text(part, f"{place}[{index}]") for index, part in enumerate(parts)]


def _text(part: ContentPart, place: str) -> str:
    if part.type != "text":
        sentence = f"'{place}' is of type '{part.type}', and models here read text only."
        raise UnsupportedParameter(sentence, parameter=f"{place}.type")
    if part.text is None:
        raise InvalidRequest(f"Parameter '{place}.text' is missing.", parameter=f"{place}.text")
    return part.text
