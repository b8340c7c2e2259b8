"""GET /api/tools."""

from __future__ import annotations

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency

from jackfield.contracts.tools import ToolDescription
from jackfield.workbench import Workbench


class ToolList(msgspec.Struct, frozen=True, kw_only=True):
    """Tools that work now, and what cannot be had and why, by the name of the tool or source."""

    tools: list[ToolDescription]
    failures: dict[str, str]


class ToolController(Controller):
    """Tools that are run here."""

    path = "/api/tools"
    tags = ("Tools",)

    @get(operation_id="listTools", response_description="All of them", summary="List the tools that are run here")
    async def all(self, workbench: NamedDependency[Workbench]) -> ToolList:
        """What each takes and needs permission for; sources that are servers are asked for theirs."""
        tools = await workbench.tools()
        return ToolList(tools=list(tools), failures=dict(workbench.tool_catalog.failures))
