"""What a turn is made of, as Anthropic's clients send it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from jackfield.errors import InvalidRequest, UnsupportedParameter


class CacheControl(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a prefix ends that is worth keeping; every prefix is kept here anyway while there is room."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


Cached = Annotated[CacheControl, Meta(description="Accepted, and not needed: prefixes are kept of themselves.")]


class TextBlock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="text", tag_field="type"):
    """Text."""

    text: str
    cache_control: Cached | None = None
    citations: Annotated[list[Any], Meta(max_length=0, description="Must be null or empty.")] | None = None


class ToolUseBlock(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="tool_use", tag_field="type"
):
    """A call that the assistant made."""

    id: Annotated[str, Meta(min_length=1)]
    name: str
    input: dict[str, Any]
    cache_control: Cached | None = None
    caller: None = None
    toolset_name: None = None


class ToolResultBlock(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="tool_result", tag_field="type"
):
    """What a call came to."""

    tool_use_id: str
    content: str | list[TextBlock] | None = None
    is_error: Annotated[bool, Meta(description="The model is told that the content is an error.")] | None = None
    cache_control: Cached | None = None
    toolset_name: None = None


Block = TextBlock | ToolUseBlock | ToolResultBlock


class Turn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One turn; neighbours of one role are read as one."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


def texts_of(content: str | list[TextBlock] | None) -> tuple[str, ...]:
    """The texts of a content that can hold nothing else."""
    if isinstance(content, str):
        return (content,)
    return tuple(block.text for block in content or ())


def blocks_of(turn: Turn, place: str) -> tuple[Block, ...]:
    """A turn's blocks; raises InvalidRequest for those that its role cannot have, or where there are none."""
    if isinstance(turn.content, str):
        return (TextBlock(text=turn.content),)
    if not turn.content and turn.role != "assistant":
        sentence = f"'{place}.content' has no blocks; at least one is expected."
        raise InvalidRequest(sentence, parameter=f"{place}.content")
    for index, block in enumerate(turn.content):
        _check_role(block, turn.role, f"{place}.content[{index}]")
    return tuple(turn.content)


def _check_role(block: Block, role: str, place: str) -> None:
    belongs = {ToolUseBlock: "assistant", ToolResultBlock: "user"}.get(type(block))
    if belongs not in (None, role):
        sentence = f"'{place}' is of a type that belongs to turns of role '{belongs}', not '{role}'."
        raise InvalidRequest(sentence, parameter=f"{place}.type")


def check_last(turns: list[Turn]) -> None:
    """Raises UnsupportedParameter where the model would have to go on within a turn of its own."""
    if turns[-1].role == "assistant":
        sentence = (
            "'messages' ends with the assistant's turn, and models here do not go on within one; "
            "end with the user's, and say there how to begin."
        )
        raise UnsupportedParameter(sentence, parameter=f"messages[{len(turns) - 1}].role")
