"""Servers' tools where runs find them: among the workbench's, called by its rules, gone with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psutil
import pytest

from jackfield.errors import CallDenied
from jackfield.testing.temporary_workbench import temporary_workbench
from jackfield_plugins.mcp import plugin


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Any) -> None:
    """The machine's mcp.json: one server that works, one that does not."""
    monkeypatch.setenv("JACKFIELD_SETTINGS", str(tmp_path / "jackfield.toml"))
    permissions = {"huge": "read"}
    servers = {"trials": program(permissions=permissions), "absent": {"command": "no-such-program-here"}}
    (tmp_path / "mcp.json").write_text(json.dumps({"mcpServers": servers}))


@pytest.mark.usefixtures("configured")
async def test_a_workbench_has_them_by_its_own_rules(tmp_path: Path) -> None:
    async with temporary_workbench(tmp_path / "home", plugins=(("mcp", plugin),)) as workbench:
        tools = {tool.name: tool.permission for tool in await workbench.tools()}
        assert tools["trials__add"] == "read"
        result = await workbench.call_tool("trials__add", {"a": 1, "b": 2})
        assert (result.text, result.error, result.provenance) == ("3", False, "remote")
        assert (await workbench.call_tool("trials__add", {"a": 1})).error
        with pytest.raises(CallDenied, match="write"):
            await workbench.call_tool("trials__note", {"text": "x"})


@pytest.mark.usefixtures("configured")
@pytest.mark.slow
async def test_ten_megabytes_are_cut_with_a_notice(tmp_path: Path) -> None:
    async with temporary_workbench(tmp_path / "home", plugins=(("mcp", plugin),)) as workbench:
        result = await workbench.call_tool("trials__huge", {})
        assert len(result.text) < 20_000
        assert "10,000,000" in result.text or "10000000" in result.text


@pytest.mark.usefixtures("configured")
async def test_programs_end_with_the_workbench(tmp_path: Path) -> None:
    async with temporary_workbench(tmp_path / "home", plugins=(("mcp", plugin),)) as workbench:
        number = int((await workbench.call_tool("trials__process_id", {})).text)
        assert psutil.pid_exists(number)
    assert not psutil.pid_exists(number)
