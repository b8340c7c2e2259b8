"""`jackfield mcp serve`: tools for the client that started this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp.server.stdio import stdio_server

from jackfield.wiring import open_workbench
from jackfield_plugins.mcp.served_tools import tool_server

if TYPE_CHECKING:
    from jackfield.plugin_host import PluginHost
    from jackfield.settings import Settings


async def serve_stdio(settings: Settings, plugins: PluginHost) -> None:
    """Serve until the client closes our standard input, or a signal asks us to end."""
    async with open_workbench(settings, plugins) as workbench, stdio_server() as (read, write):
        server = tool_server(workbench)
        await server.run(read, write, server.create_initialization_options())
