"""A configured server over time: a session when one is needed, and a new one after it broke."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from typing import Any

import anyio
from mcp.shared.exceptions import MCPError
from mcp_types import CONNECTION_CLOSED
from mcp_types import Tool as ServerTool

from jackfield.contracts.tools import ToolResult
from jackfield.errors import Unavailable
from jackfield_plugins.mcp.configuration import Server, StdioServer
from jackfield_plugins.mcp.results import result_of
from jackfield_plugins.mcp.session import Session

PAUSES = (0.0, 2.0, 10.0, 60.0, 300.0)
"""Seconds until a server is started anew, by how often in a row it broke; the last holds for ever."""

SHORTEST_WAIT = 1.0
"""Seconds that even a server is waited for that starts for long."""


class Connection:
    """Used from one event loop."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._session: Session | None = None
        self._ending: list[Session] = []
        self._restarts = 0

    async def tools(self, patience: float = math.inf) -> tuple[ServerTool, ...]:
        """What the server offers now; raises Unavailable with the reason.

        A server that starts is waited for until it is `patience` seconds old, and goes on to start meanwhile.
        """
        try:
            return await self._listed(patience)
        except Unavailable:
            if self._session is None or not self._session.forgotten:
                raise
        self._session.end()
        return await self._listed(patience)

    async def _listed(self, patience: float) -> tuple[ServerTool, ...]:
        session = self._current()
        left = max(session.begun_at + patience - time.monotonic(), SHORTEST_WAIT)
        try:
            with anyio.fail_after(left):
                return await session.tools()
        except TimeoutError as error:
            raise Unavailable(f"MCP server '{self.server.name}' has not answered yet.") from error

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Do it, and never twice: a session that breaks ends the call. Raises Unavailable where none begins."""
        session = self._current()
        result = await self._called(session, tool, arguments)
        if result is None:
            result = await self._called(self._current(), tool, arguments)
        return result or _failed(f"MCP server '{self.server.name}' forgets every session at once.")

    async def _called(self, session: Session, tool: str, arguments: Mapping[str, Any]) -> ToolResult | None:
        """The result of one try, None where the server did nothing because it had forgotten the session."""
        client = await session.client()
        try:
            result = result_of(await client.call_tool(tool, dict(arguments)))
        except (MCPError, anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            if session.forgotten:
                session.end()
                return None
            if isinstance(error, MCPError) and error.code != CONNECTION_CLOSED:
                return _failed(f"MCP server '{self.server.name}' refused the call: {error}")
            return await self._broken_call(session)
        except (ValueError, RuntimeError) as error:  # what the SDK finds wrong with an answer
            return _failed(f"MCP server '{self.server.name}' answered what it should not: {error}")
        self._restarts = 0
        return result

    async def close(self) -> None:
        """End every session that is left."""
        left = [*self._ending, *([self._session] if self._session else [])]
        self._session, self._ending = None, []
        await asyncio.gather(*(session.closed() for session in left))

    def _current(self) -> Session:
        """The session under way, or a new one; raises Unavailable while a server that broke is left alone."""
        if self._session is None:
            self._session = Session(self.server)
        elif self._session.ended:
            self._refuse_haste(self._session)
            self._restarts += 1
            self._ending = [session for session in (*self._ending, self._session) if not session.gone]
            self._session = Session(self.server)
        return self._session

    def _refuse_haste(self, broken: Session) -> None:
        pause = PAUSES[min(self._restarts, len(PAUSES) - 1)]
        left = math.ceil(broken.ended_at + pause - time.monotonic())
        if left > 0:
            raise Unavailable(f"{broken.reason} It is tried again in {left} s.", retry_after=left)

    async def _broken_call(self, session: Session) -> ToolResult:
        session.end()
        reason = await session.why_ended()
        again = "started anew" if isinstance(self.server, StdioServer) else "asked again"
        return _failed(
            f"{reason} That was during the call, so whether it took effect is not known. "
            f"The server is {again} at the next call."
        )


def _failed(reason: str) -> ToolResult:
    return ToolResult(text=reason, error=True, provenance="remote")
