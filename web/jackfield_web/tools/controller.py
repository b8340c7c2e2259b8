"""GET /api/tools."""

from __future__ import annotations

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency

from jackfield.contracts.tools import ToolDescription
from jackfield.workbench import Workbench
from jackfield_web.identity.rights import needs


class ListedTool(ToolDescription, frozen=True, kw_only=True, omit_defaults=False):
    """A tool, and the plugin or source that it is from."""

    origin: str


class ToolList(msgspec.Struct, frozen=True, kw_only=True):
    """Tools that work now, and what cannot be had and why, by the name of the tool or source."""

    tools: list[ListedTool]
    failures: dict[str, str]


class ToolController(Controller):
    """Tools that are run here."""

    path = "/api/tools"
    tags = ("Tools",)
    opt = needs("models")

    @get(operation_id="listTools", response_description="All of them", summary="List the tools that are run here")
    async def all(self, workbench: NamedDependency[Workbench]) -> ToolList:
        """What each takes and needs permission for; sources that are servers are asked for theirs."""
        tools = await workbench.tools()
        catalog = workbench.tool_catalog
        return ToolList(
            tools=[ListedTool(**msgspec.structs.asdict(tool), origin=catalog.origins[tool.name]) for tool in tools],
            failures=dict(catalog.failures),
        )
