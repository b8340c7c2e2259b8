"""What a chat request says of tools, and the use of tools that it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from jackfield.contracts.tools import ToolChoice, ToolDescription
from jackfield_web.tool_specs import callers_tool, check_names, named_choice, required_choice


class FunctionDescription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A function that the caller runs."""

    name: str
    description: str | None = None
    parameters: Annotated[dict[str, Any], Meta(description="A JSON schema of an object; none if left out.")] | None = (
        None
    )
    strict: (
        Annotated[bool, Meta(description="Hold the model to the schema while it writes: `call_protocol` constrained.")]
        | None
    ) = None


class FunctionTool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tool; there are only functions."""

    type: Literal["function"]
    function: FunctionDescription


class NamedFunction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A function by its name."""

    name: str


class NamedTool(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tool to call."""

    type: Literal["function"]
    function: NamedFunction


ToolOption = Literal["none", "auto", "required"] | NamedTool
FunctionOption = Literal["none", "auto"] | NamedFunction


def callers_tools(
    tools: Sequence[FunctionTool], functions: Sequence[FunctionDescription]
) -> tuple[ToolDescription, ...]:
    """The tools that the caller runs; raises InvalidRequest for a schema that is none, or two tools of one name."""
    described = {
        **{f"tools[{index}].function": tool.function for index, tool in enumerate(tools)},
        **{f"functions[{index}]": function for index, function in enumerate(functions)},
    }
    check_names({f"{place}.name": function.name for place, function in described.items()})
    return tuple(
        callers_tool(function.name, function.description, function.parameters, place)
        for place, function in described.items()
    )


def chosen(option: ToolOption | FunctionOption | None, names: Sequence[str], parameter: str) -> ToolChoice:
    """What a request chooses among tools of these names; raises InvalidRequest for what is not among them."""
    match option:
        case None:
            return ToolChoice()
        case NamedTool(function=NamedFunction(name=name)):
            return named_choice(name, names, f"{parameter}.function.name")
        case NamedFunction(name=name):
            return named_choice(name, names, f"{parameter}.name")
        case "required":
            return required_choice(names, parameter)
        case mode:
            return ToolChoice(mode=mode)
