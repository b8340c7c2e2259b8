"""`jackfield mcp serve`: tools for the client that started this process."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from mcp.server.stdio import stdio_server

from jackfield.identity.local_mode import LOCAL
from jackfield.wiring import open_workbench
from jackfield_plugins.mcp.served_tools import tool_server
from jackfield_plugins.mcp.standard_input import StandardInput, standard_input_taken

if TYPE_CHECKING:
    import anyio

    from jackfield.plugin_host import PluginHost
    from jackfield.settings import Settings
    from jackfield.workbench import Workbench


async def serve_stdio(settings: Settings, plugins: PluginHost) -> None:
    """Serve until the client closes our standard input, or SIGINT or SIGTERM asks us to end."""
    async with open_workbench(settings, plugins) as workbench:
        serving = asyncio.create_task(_serve(workbench))
        with _ended_by_signals(serving):
            await asyncio.wait([serving])
        if not serving.cancelled():
            serving.result()


async def _serve(workbench: Workbench) -> None:
    server = tool_server(workbench, workbench.settings.tools.allow, lambda _: LOCAL)
    with standard_input_taken() as descriptor:
        lines = cast("anyio.AsyncFile[str]", StandardInput(descriptor))  # all that the SDK asks of it are lines
        async with stdio_server(stdin=lines) as (read, write):
            await server.run(read, write, server.create_initialization_options())


@contextmanager
def _ended_by_signals(task: asyncio.Task[None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
