"""What a response request says of tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from jackfield.contracts.runs import ToolUse
from jackfield.contracts.tools import ToolChoice
from jackfield_web.tool_specs import HOLDS_SCHEMAS, callers_tool, check_names, named_choice, required_choice


class FunctionSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A function that the caller runs; there are no other tools."""

    type: Literal["function"]
    name: str
    parameters: Annotated[dict[str, Any], Meta(description="A JSON schema of an object; none if left out.")] | None = (
        None
    )
    strict: Annotated[bool, Meta(description="Hold the model to the schema while it writes.")] | None = None
    description: str | None = None


class NamedSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The function to call."""

    type: Literal["function"]
    name: str


Choice = Literal["none", "auto", "required"] | NamedSpec


def tool_use(tools: Sequence[FunctionSpec], choice: Choice | None, *, several: bool) -> ToolUse | None:
    """The tools of a run and how it may call them; raises InvalidRequest for what does not go together."""
    check_names({f"tools[{index}].name": tool.name for index, tool in enumerate(tools)})
    callers = tuple(
        callers_tool(tool.name, tool.description, tool.parameters, f"tools[{index}]")
        for index, tool in enumerate(tools)
    )
    chosen = _chosen(choice, [tool.name for tool in callers])
    if not callers:
        return None
    protocol = HOLDS_SCHEMAS if any(tool.strict for tool in tools) else ""
    return ToolUse(callers=callers, choice=chosen, several=several, protocol=protocol)


def _chosen(choice: Choice | None, names: Sequence[str]) -> ToolChoice:
    match choice:
        case NamedSpec(name=name):
            return named_choice(name, names, "tool_choice.name")
        case "required":
            return required_choice(names, "tool_choice")
        case "none":
            return ToolChoice(mode="none")
    return ToolChoice()
