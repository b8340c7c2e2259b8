"""The tools of all configured servers."""

from __future__ import annotations

import asyncio
import math
import os
from pathlib import Path

import msgspec
import structlog

from jackfield.contracts.tools import Tool
from jackfield.errors import Unavailable
from jackfield_plugins.mcp.configuration import Configuration, Server, configuration_path, read_configuration
from jackfield_plugins.mcp.connection import Connection
from jackfield_plugins.mcp.instance import STARTED_BY_US
from jackfield_plugins.mcp.permissions import ANY_TOOL
from jackfield_plugins.mcp.remote_tool import RemoteTool
from jackfield_plugins.mcp.sdk_log import forward_client_log

log = structlog.get_logger()


PATIENCE = 15.0
"""Seconds that one slow server may hold back the tools of all; its own follow once it has started."""


class ServerReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said of one server: its tools, or why there are none."""

    name: str
    tools: tuple[Tool, ...] = ()
    fault: str | None = None


class McpToolSource:
    """Reads the configuration at first use; a server that cannot be used is left out, and the log says why.

    Used from one event loop until it is closed; then from another, with the configuration as it is then.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connections: dict[str, Connection] = {}
        self._faults: dict[str, str] = {}
        self._told: dict[str, str] = {}
        self._told_of_names: set[str] = set()

    async def tools(self) -> tuple[Tool, ...]:
        """Of every server that answers by now; raises Unavailable where there are servers and none does."""
        reports = await self.reports(PATIENCE)
        faults = {report.name: report.fault for report in reports if report.fault is not None}
        self._tell(faults)
        if faults and len(faults) == len(reports):
            raise Unavailable(" ".join(faults.values()))
        return tuple(tool for report in reports for tool in report.tools)

    async def reports(self, patience: float = math.inf) -> tuple[ServerReport, ...]:
        """On every server that is not disabled; all are asked at once. Raises SettingsInvalid for a broken file."""
        self._open()
        asked = [self._report(connection, patience) for connection in self._connections.values()]
        broken = [ServerReport(name=name, fault=fault) for name, fault in self._faults.items()]
        return (*await asyncio.gather(*asked), *broken)

    async def close(self) -> None:
        """End every session and its program."""
        connections, self._connections = self._connections, {}
        self._loop = None
        await asyncio.gather(*(connection.close() for connection in connections.values()))

    def _open(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            forward_client_log()
            found = _configured(self._path or configuration_path())
            self._connections = {server.name: Connection(server) for server in found.servers if not server.disabled}
            self._faults = found.faults
            self._loop = loop
        elif self._loop is not loop:
            raise RuntimeError("The MCP tool source is in use on another event loop; close it there first.")

    async def _report(self, connection: Connection, patience: float) -> ServerReport:
        name = connection.server.name
        try:
            tools = await connection.tools(patience)
        except Unavailable as error:
            return ServerReport(name=name, fault=error.message)
        self._tell_of_strange_names(connection.server, {tool.name for tool in tools})
        return ServerReport(name=name, tools=tuple(RemoteTool(connection, tool) for tool in tools))

    def _tell_of_strange_names(self, server: Server, names: set[str]) -> None:
        """A permission for a tool that is not there is likely misspelt; told once."""
        strange = sorted(server.permissions.keys() - names - {ANY_TOOL})
        if strange and server.name not in self._told_of_names:
            self._told_of_names.add(server.name)
            log.warning("permissions name tools that an MCP server has not", server=server.name, tools=strange)

    def _tell(self, faults: dict[str, str]) -> None:
        """Each reason once."""
        for name, fault in faults.items():
            if self._told.get(name) != fault:
                log.warning("an MCP server's tools are left out", server=name, reason=fault)
        self._told = faults


def _configured(path: Path) -> Configuration:
    if STARTED_BY_US in os.environ:
        log.warning("MCP servers are left out: this process is itself an MCP server that Jackfield started")
        return Configuration()
    return read_configuration(path)
