"""What a message request says of tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from jackfield.contracts.runs import ToolUse
from jackfield.contracts.tools import ToolChoice
from jackfield_web.messages.blocks import Cached
from jackfield_web.tool_specs import HOLDS_SCHEMAS, callers_tool, check_names, named_choice, required_choice


class CustomTool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tool that the caller runs; Anthropic's own, which run on their side, are not there."""

    name: str
    input_schema: Annotated[dict[str, Any], Meta(description="A JSON schema of an object.")]
    description: str | None = None
    type: Literal["custom"] | None = None
    strict: Annotated[bool, Meta(description="Hold the model to the schema while it writes.")] | None = None
    cache_control: Cached | None = None


Alone = Annotated[bool, Meta(description="Let an answer make one call at most.")]


class AutoChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="auto", tag_field="type"):
    """The model calls if it wants to."""

    disable_parallel_tool_use: Alone | None = None


class AnyChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="any", tag_field="type"):
    """The model calls some tool."""

    disable_parallel_tool_use: Alone | None = None


class NamedChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="tool", tag_field="type"):
    """The model calls this tool."""

    name: str
    disable_parallel_tool_use: Alone | None = None


class NoChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="none", tag_field="type"):
    """The model calls nothing."""


Choice = AutoChoice | AnyChoice | NamedChoice | NoChoice


def tool_use(tools: Sequence[CustomTool], choice: Choice | None) -> ToolUse | None:
    """The tools of a run and how it may call them; raises InvalidRequest for what does not go together."""
    check_names({f"tools[{index}].name": tool.name for index, tool in enumerate(tools)})
    callers = tuple(
        callers_tool(tool.name, tool.description, tool.input_schema, f"tools[{index}]", schema="input_schema")
        for index, tool in enumerate(tools)
    )
    chosen = _chosen(choice, [tool.name for tool in callers])
    if not callers:
        return None
    return ToolUse(
        callers=callers,
        choice=chosen,
        several=isinstance(choice, NoChoice | None) or not choice.disable_parallel_tool_use,
        protocol=HOLDS_SCHEMAS if any(tool.strict for tool in tools) else "",
    )


def _chosen(choice: Choice | None, names: Sequence[str]) -> ToolChoice:
    match choice:
        case AnyChoice():
            return required_choice(names, "tool_choice", "any")
        case NamedChoice(name=name):
            return named_choice(name, names, "tool_choice.name")
        case NoChoice():
            return ToolChoice(mode="none")
    return ToolChoice()
