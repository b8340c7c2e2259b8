"""A source over servers of a test's choosing, and closed with it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from jackfield.contracts.tools import Tool, ToolResult
from jackfield_plugins.mcp.source import McpToolSource


class Opened:
    """A source, and its tools by their names."""

    def __init__(self, source: McpToolSource) -> None:
        self.source = source

    async def tools(self) -> dict[str, Tool]:
        """As they are now."""
        return {tool.description.name: tool for tool in await self.source.tools()}

    async def call(self, name: str, /, **arguments: Any) -> ToolResult:
        """Of the tool that has this name now."""
        return await (await self.tools())[name].call(arguments)


Opening = Callable[..., AbstractAsyncContextManager[Opened]]
Entry = Callable[..., dict[str, Any]]


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    """`async with opening(name=entry) as opened`."""

    @asynccontextmanager
    async def opened(**entries: Any) -> AsyncIterator[Opened]:
        path = tmp_path / "mcp.json"
        path.write_text(json.dumps({"mcpServers": entries}))
        source = McpToolSource(path)
        try:
            yield Opened(source)
        finally:
            await source.close()

    return opened


@pytest.fixture
def program() -> Entry:
    """The entry of a server program that stands beside this file: `program("trial_server.py", "hang", timeout=1)`."""

    def entry(script: str = "trial_server.py", *arguments: str, **fields: Any) -> dict[str, Any]:
        return {"command": sys.executable, "args": [str(Path(__file__).with_name(script)), *arguments], **fields}

    return entry


class HttpTrial:
    """The trial server over HTTP, in a process of its own, always at the same port."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, **environment: str) -> None:
        """Run it, and wait until it accepts connections."""
        script = Path(__file__).with_name("trial_server.py")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), "http", str(self.port), env={**os.environ, **environment}
        )
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            await writer.wait_closed()
            return

    async def stop(self) -> None:
        """End it as a fault ends a process."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


@pytest.fixture
async def http_trial() -> AsyncIterator[HttpTrial]:
    """Not started yet; stopped with the test."""
    trial = HttpTrial()
    try:
        yield trial
    finally:
        await trial.stop()
