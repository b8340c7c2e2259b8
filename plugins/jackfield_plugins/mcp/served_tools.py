"""Jackfield's tools as an MCP server has them, over whatever transport."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import structlog
from mcp.server import Server, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)

from jackfield.contracts.tools import Permission, ToolDescription, ToolResult
from jackfield.errors import JackfieldError, ToolNotFound
from jackfield.identifiers import new_identifier
from jackfield.version import __version__

log = structlog.get_logger()

INSTRUCTIONS = "Tools of a Jackfield installation. Those that need a person's approval are not offered here."

ANNOTATIONS: dict[Permission, ToolAnnotations] = {
    "read": ToolAnnotations(read_only_hint=True, open_world_hint=False),
    "write": ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False),
    "network": ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True),
    "execute": ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=True),
}
"""What a permission promises to others. One to reach the network does not promise to change nothing there."""


class ToolBench(Protocol):
    """What is asked of a workbench."""

    async def tools(self) -> tuple[ToolDescription, ...]:
        """Every tool there is."""
        ...

    async def call_tool(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Call one; raises ToolNotFound, and CallDenied for one that may not be called from here."""
        ...


def tool_server(bench: ToolBench, allowed: Collection[Permission]) -> Server[dict[str, Any]]:
    """An MCP server of those of a workbench's tools that read, or do what is `allowed`."""
    shown = {"read", *allowed}

    async def list_tools(
        _: ServerRequestContext[dict[str, Any]], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=[_shown(tool) for tool in await bench.tools() if tool.permission in shown])

    async def call_tool(_: ServerRequestContext[dict[str, Any]], params: CallToolRequestParams) -> CallToolResult:
        return await _called(bench, params.name, params.arguments or {})

    return Server(
        "jackfield",
        version=__version__,
        title="Jackfield",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def _called(bench: ToolBench, name: str, arguments: Mapping[str, Any]) -> CallToolResult:
    """A call's result; what it fails of is a result too, as MCP wants it, so that a model can read it."""
    try:
        result = await bench.call_tool(name, arguments)
    except ToolNotFound as error:
        raise MCPError(INVALID_PARAMS, error.message) from error
    except JackfieldError as error:
        return _answer(error.message, error=True)
    except Exception as error:
        identifier = new_identifier("error")
        log.error("a tool failed unexpectedly", tool=name, error=identifier, exc_info=error)
        return _answer(f"The tool failed; Jackfield's log tells more under {identifier}.", error=True)
    return _answer(result.text, error=result.error)


def _shown(tool: ToolDescription) -> Tool:
    return Tool(
        name=tool.name,
        description=tool.description,
        input_schema=tool.parameters,
        annotations=ANNOTATIONS[tool.permission],
    )


def _answer(text: str, *, error: bool) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=error)
