"""A granted folder and calls into it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from jackfield.contracts.tools import RunScope, ToolResult
from jackfield_plugins.tools.folder_tool import FolderTool

Call = Callable[..., Awaitable[ToolResult]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that is granted; what is beside it is not."""
    granted = tmp_path / "granted"
    granted.mkdir()
    (tmp_path / "secret.txt").write_text("the secret", encoding="utf-8")
    return granted


@pytest.fixture
def call(folder: Path) -> Call:
    """Call a tool, named by its class, within the granted folder."""

    async def called(tool: type[FolderTool], **arguments: object) -> ToolResult:
        return await tool().within(RunScope(run_id="run", folder=folder)).call(arguments)

    return called
