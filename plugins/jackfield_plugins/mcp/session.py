"""One session with an MCP server, from its start to its end, held by a task of its own.

The SDK's transports must be entered and left in the same task, and calls come from many.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING

import anyio
import structlog
from mcp import Client
from mcp.client.subscriptions import SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp_types import Implementation, ToolListChangedNotification
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from jackfield.errors import Unavailable
from jackfield.version import __version__
from jackfield_plugins.mcp.configuration import Server
from jackfield_plugins.mcp.reasons import sentence_on
from jackfield_plugins.mcp.transports import Trace, transport_to

if TYPE_CHECKING:
    from mcp.client.session import IncomingMessage
    from mcp_types import Tool

log = structlog.get_logger()

MOST_PAGES = 100
"""Pages of a server's list of tools; one that never ends is an error."""

END_GRACE = 10.0
"""Seconds until a session that does not end in order is cut off."""

LISTEN_PAUSE = 30.0
"""Seconds until a lost stream of changes is asked for again."""


class Session:
    """Begins when it is made; `ended` once it is over, and then `reason` says why."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.begun_at = time.monotonic()
        self.ended = False
        self.ended_at = 0.0
        self.reason = ""
        self._trace = Trace(server)
        self._scope = anyio.CancelScope()
        self._settled = asyncio.Event()
        self._to_end = asyncio.Event()
        self._client: Client | None = None
        self._changes = 0
        self._one_lists = asyncio.Lock()
        self._listed: tuple[int, tuple[Tool, ...]] = (-1, ())
        self._task = asyncio.create_task(self._live(), name=f"mcp {server.name}")

    @property
    def forgotten(self) -> bool:
        """Whether the server said that it knows nothing of this session, and so did nothing that was asked in it."""
        return self._trace.forgotten

    @property
    def gone(self) -> bool:
        """Whether nothing is left of it."""
        return self._task.done()

    async def client(self) -> Client:
        """The SDK's client, once the server has answered; raises Unavailable with the reason."""
        await self._settled.wait()
        if self._client is None or self.ended:
            raise Unavailable(self.reason or f"MCP server '{self.server.name}' was just closed.")
        return self._client

    async def tools(self) -> tuple[Tool, ...]:
        """What the server offers, asked for again after it said that this changed; raises Unavailable."""
        client = await self.client()
        async with self._one_lists:
            if self._listed[0] != self._changes:
                changes = self._changes
                self._listed = (changes, await self._listing(client))
        return self._listed[1]

    def end(self) -> None:
        """Begin to end; calls that are open fail."""
        if not self.ended:
            self.ended = True
            self.ended_at = time.monotonic()
        self._to_end.set()

    async def closed(self) -> None:
        """End, and wait until nothing of it is left."""
        self.end()
        done, _ = await asyncio.wait([self._task], timeout=END_GRACE)
        if not done:
            log.warning("an MCP server did not end in time and is cut off", server=self.server.name)
            self._scope.cancel()
            await asyncio.wait([self._task])

    async def why_ended(self) -> str:
        """Why it ended, once its last words are known."""
        await asyncio.wait([self._task], timeout=END_GRACE)
        return self.reason

    async def _live(self) -> None:
        try:
            with self._scope:
                self._scope.deadline = anyio.current_time() + self.server.timeout
                await self._converse()
            if self._scope.cancelled_caught and not self._settled.is_set():
                self._give_reason(TimeoutError())
        except Exception as error:  # noqa: BLE001 - what a transport raises is why this session ended; it is told
            self._give_reason(error)
        finally:
            log.debug("an MCP session ended", server=self.server.name, reason=self.reason)
            self.end()
            self._settled.set()

    async def _converse(self) -> None:
        transport = transport_to(self.server, self._trace, self.end)
        async with Client(
            transport,
            message_handler=self._notice,
            client_info=Implementation(name="jackfield", version=__version__),
            cache=None,
        ) as client:
            self._scope.deadline = math.inf
            self._client = client
            self._settled.set()
            async with anyio.create_task_group() as group:
                group.start_soon(self._follow_changes, client)
                await self._to_end.wait()
                group.cancel_scope.cancel()
        if not self.reason:
            self._give_reason(None)

    def _give_reason(self, error: Exception | None) -> None:
        self.reason = self.reason or sentence_on(self.server, self._trace, error, answered=self._client is not None)

    async def _notice(self, message: IncomingMessage) -> None:
        """Hear what the server says unasked."""
        if isinstance(message, ToolListChangedNotification):
            self._changes += 1
        elif isinstance(message, Exception):
            log.debug("an MCP server wrote what is no message", server=self.server.name, reason=str(message))

    async def _follow_changes(self, client: Client) -> None:
        """Ask to be told of changes, as servers since 2026-07-28 want to be asked; those before tell unasked."""
        tools = client.server_capabilities.tools
        if client.protocol_version not in MODERN_PROTOCOL_VERSIONS or tools is None or not tools.list_changed:
            return
        while True:
            try:
                async with client.listen(tools_list_changed=True) as changes:
                    self._changes += 1
                    async for _ in changes:
                        self._changes += 1
            except (MCPError, SubscriptionLost) as error:
                log.debug("an MCP server's changes are not heard", server=self.server.name, reason=str(error))
            await anyio.sleep(LISTEN_PAUSE)

    async def _listing(self, client: Client) -> tuple[Tool, ...]:
        """Every page of the tools."""
        name, seconds = self.server.name, self.server.timeout
        tools: list[Tool] = []
        cursor: str | None = None
        try:
            with anyio.fail_after(seconds):
                for _ in range(MOST_PAGES):
                    page = await client.list_tools(cursor=cursor)
                    tools += page.tools
                    cursor = page.next_cursor
                    if cursor is None:
                        return tuple(tools)
        except TimeoutError as error:
            raise Unavailable(f"MCP server '{name}' did not list its tools within {seconds:g} s.") from error
        except MCPError as error:
            raise Unavailable(f"MCP server '{name}' does not list its tools: {error}") from error
        except ValueError as error:  # pydantic's errors are
            raise Unavailable(f"MCP server '{name}' lists its tools in a way that MCP does not know.") from error
        raise Unavailable(f"MCP server '{name}' lists its tools on more than {MOST_PAGES} pages, without an end.")
