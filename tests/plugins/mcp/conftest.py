"""A source over servers of a test's choosing, and closed with it."""

from __future__ import annotations

import json
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
    """The entry of a server program that stands beside this file: `program("stdio_server.py", timeout=1)`."""

    def entry(script: str = "stdio_server.py", *arguments: str, **fields: Any) -> dict[str, Any]:
        return {"command": sys.executable, "args": [str(Path(__file__).with_name(script)), *arguments], **fields}

    return entry
