"""/mcp of `jackfield serve`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from jackfield.contracts.mounts import ASGIApp
from jackfield_plugins.mcp.served_tools import ToolBench, tool_server

if TYPE_CHECKING:
    from jackfield.workbench import Workbench


class McpMount:
    """Serves tools over streamable HTTP. It keeps no sessions, so that any process behind an address may answer."""

    path = "/mcp"

    @asynccontextmanager
    async def app(self, workbench: Workbench) -> AsyncIterator[ASGIApp]:
        """The app over a workbench's tools."""
        async with tools_app(workbench) as app:
            yield app


@asynccontextmanager
async def tools_app(bench: ToolBench) -> AsyncIterator[ASGIApp]:
    """An ASGI app that answers at every path."""
    manager = StreamableHTTPSessionManager(tool_server(bench), stateless=True)
    async with manager.run():
        yield manager.handle_request
