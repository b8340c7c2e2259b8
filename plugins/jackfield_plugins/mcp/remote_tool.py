"""A server's tool as Jackfield's tools are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_types import Tool as ServerTool

from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield_plugins.mcp.connection import Connection
from jackfield_plugins.mcp.permissions import permission_of
from jackfield_plugins.mcp.tool_names import tool_name


class RemoteTool:
    """Calls over a connection, which outlives any one session."""

    def __init__(self, connection: Connection, tool: ServerTool) -> None:
        server = connection.server
        self._connection = connection
        self._name = tool.name
        self.description = ToolDescription(
            name=tool_name(server.name, tool.name),
            description=tool.description or tool.title or tool.name,
            parameters=tool.input_schema,
            permission=permission_of(tool, server.permissions),
            timeout=server.timeout,
        )

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Let the server do it."""
        return await self._connection.call(self._name, arguments)
