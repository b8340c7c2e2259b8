"""Jackfield's tools and files as an MCP server has them, over whatever transport."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

import structlog
from mcp.server import Server, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    TextContent,
    Tool,
    ToolAnnotations,
)

from jackfield.contracts.identity import Principal
from jackfield.contracts.tools import Permission, ToolDescription, ToolResult
from jackfield.errors import JackfieldError, ToolNotFound
from jackfield.files.library import Library
from jackfield.identifiers import new_identifier
from jackfield.version import __version__
from jackfield_plugins.mcp.served_files import ServedFiles

log = structlog.get_logger()

INSTRUCTIONS = (
    "Tools of a Jackfield installation, and its files as resources. Tools that need a person's approval are not "
    "offered here; search_library finds passages of files."
)

ANNOTATIONS: dict[Permission, ToolAnnotations] = {
    "read": ToolAnnotations(read_only_hint=True, open_world_hint=False),
    "write": ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=False),
    "network": ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True),
    "execute": ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=True),
}
"""What a permission promises to others. One to reach the network does not promise to change nothing there."""


Asking = ServerRequestContext[dict[str, Any], Any]
"""Who asks, and how; over HTTP with the request."""


class ToolBench(Protocol):
    """What is asked of a workbench."""

    async def tools(self) -> tuple[ToolDescription, ...]:
        """Every tool there is."""
        ...

    async def call_tool(self, name: str, arguments: Mapping[str, Any], *, principal: Principal) -> ToolResult:
        """Call one for somebody; raises ToolNotFound, and CallDenied for one that may not be called from here."""
        ...

    def library(self, principal: Principal) -> Library:
        """Files as somebody sees them; raises NothingRegistered or MissingDependency."""
        ...


def tool_server(
    bench: ToolBench, allowed: Collection[Permission], principal: Callable[[Asking], Principal]
) -> Server[dict[str, Any]]:
    """An MCP server of those of a workbench's tools that read, or do what is `allowed`, and of its files.

    `principal` tells who asks, for they see their own files.
    """
    shown = {"read", *allowed}
    files = ServedFiles(bench.library)

    async def list_tools(_: Asking, params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_shown(tool) for tool in await bench.tools() if tool.permission in shown])

    async def call_tool(asking: Asking, params: CallToolRequestParams) -> CallToolResult:
        return await _called(bench, params.name, params.arguments or {}, principal(asking))

    async def list_resources(asking: Asking, params: PaginatedRequestParams | None) -> ListResourcesResult:
        return await files.listed(principal(asking), params.cursor if params else None)

    async def list_templates(_: Asking, params: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        return await files.templates()

    async def read_resource(asking: Asking, params: ReadResourceRequestParams) -> ReadResourceResult:
        return await files.read(principal(asking), params.uri)

    return Server(
        "jackfield",
        version=__version__,
        title="Jackfield",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
    )


async def _called(bench: ToolBench, name: str, arguments: Mapping[str, Any], principal: Principal) -> CallToolResult:
    """A call's result; what it fails of is a result too, as MCP wants it, so that a model can read it."""
    try:
        result = await bench.call_tool(name, arguments, principal=principal)
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
