"""The part of a chat request that is about tools, and the use of tools that it asks for."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from jackfield.contracts.runs import ToolUse
from jackfield.errors import InvalidRequest
from jackfield_web.chat.tools import (
    FunctionDescription,
    FunctionOption,
    FunctionTool,
    ToolOption,
    callers_tools,
    chosen,
)
from jackfield_web.generation import GenerationRequest
from jackfield_web.steps import AgentName, Allowed, Limits, Mode, Protocol, ServerTools
from jackfield_web.tool_specs import HOLDS_SCHEMAS, check_names


class ToolRequest(GenerationRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tools that the caller runs, as OpenAI's API has them, or tools that are run here."""

    tools: Annotated[list[FunctionTool], Meta(description="Tools that the caller runs.")] | None = None
    tool_choice: ToolOption | None = None
    parallel_tool_calls: (
        Annotated[bool, Meta(description="Whether an answer may make several calls; true if left out.")] | None
    ) = None
    functions: Annotated[list[FunctionDescription], Meta(description="The older form of tools.")] | None = None
    function_call: FunctionOption | None = None
    server_tools: ServerTools | None = None
    allow: Allowed | None = None
    call_protocol: Protocol | None = None
    call_mode: Mode | None = None
    agent: AgentName | None = None
    limits: Limits | None = None


def tool_use(request: ToolRequest) -> ToolUse | None:
    """The tools of a run and how it may call them; raises InvalidRequest for what does not go together."""
    _check_styles(request)
    callers = callers_tools(request.tools or (), request.functions or ())
    names = _server_tools(request)
    available = [*(tool.name for tool in callers), *names]
    old_style = request.function_call is not None
    option, parameter = (request.function_call, "function_call") if old_style else (request.tool_choice, "tool_choice")
    choice = chosen(option, available, parameter)
    if not available and request.agent is None:
        _check_needs_tools(request)
        return None
    return ToolUse(
        callers=callers,
        names=names,
        choice=choice,
        several=False if request.functions else request.parallel_tool_calls is not False,
        protocol=_protocol(request),
        mode=request.call_mode,
        allowed=tuple(request.allow or ()),
    )


def in_old_style(request: ToolRequest) -> bool:
    """Whether calls are to be answered as `function_call`, as they were before there were tools."""
    return bool(request.functions)


def _server_tools(request: ToolRequest) -> tuple[str, ...]:
    names = tuple(request.server_tools or ())
    callers = request.tools or request.functions
    if request.agent is not None and callers:
        sentence = "An agent calls tools that are run here; send their names as 'server_tools', or leave 'agent' out."
        raise InvalidRequest(sentence, parameter="agent")
    if request.allow is not None and callers:
        sentence = "'allow' permits tools that are run here; what the caller's own tools do is the caller's to permit."
        raise InvalidRequest(sentence, parameter="allow")
    if names and callers:
        sentence = "'server_tools' are run here, 'tools' by the caller, and an answer cannot use both yet; give one."
        raise InvalidRequest(sentence, parameter="server_tools")
    check_names({f"server_tools[{index}]": name for index, name in enumerate(names)})
    return names


def _check_styles(request: ToolRequest) -> None:
    old = [field for field in ("functions", "function_call") if getattr(request, field) is not None]
    new = [field for field in ("tools", "tool_choice", "parallel_tool_calls") if getattr(request, field) is not None]
    if old and new:
        sentence = f"'{old[0]}' is of the older form of tools and cannot stand beside '{new[0]}'; keep to one form."
        raise InvalidRequest(sentence, parameter=old[0])


def _check_needs_tools(request: ToolRequest) -> None:
    for field in ("allow", "call_protocol", "call_mode", "limits"):
        if getattr(request, field) is not None:
            raise InvalidRequest(f"'{field}' needs tools or an agent; give one, or leave it out.", parameter=field)


def _protocol(request: ToolRequest) -> str:
    """The protocol asked for; a strict function asks for one that holds schemas."""
    functions = [*(tool.function for tool in request.tools or ()), *(request.functions or ())]
    strict = next((function.name for function in functions if function.strict), None)
    if strict is None:
        return request.call_protocol or ""
    if request.call_protocol not in (None, "", HOLDS_SCHEMAS):
        sentence = (
            f"Function '{strict}' is strict, which call protocol '{request.call_protocol}' cannot promise; "
            f"use '{HOLDS_SCHEMAS}', or leave 'strict' out."
        )
        raise InvalidRequest(sentence, parameter="call_protocol")
    return HOLDS_SCHEMAS
