"""/mcp of `jackfield serve`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from jackfield.contracts.identity import Principal
from jackfield.contracts.mounts import ASGIApp
from jackfield.contracts.tools import Permission
from jackfield_plugins.mcp.instance import INSTANCE, INSTANCE_HEADER, OWN_QUESTION
from jackfield_plugins.mcp.served_tools import Asking, ToolBench, tool_server

if TYPE_CHECKING:
    from jackfield.workbench import Workbench


class McpMount:
    """Serves tools over streamable HTTP. It keeps no sessions, so that any process behind an address may answer."""

    path = "/mcp"

    @asynccontextmanager
    async def app(self, workbench: Workbench) -> AsyncIterator[ASGIApp]:
        """The app over a workbench's tools."""
        async with tools_app(workbench, workbench.settings.tools.allow) as app:
            yield app


@asynccontextmanager
async def tools_app(bench: ToolBench, allowed: Collection[Permission]) -> AsyncIterator[ASGIApp]:
    """An ASGI app that answers at every path."""
    manager = StreamableHTTPSessionManager(tool_server(bench, allowed, _recognised), stateless=True)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] != "POST":  # streams that are got belong to sessions
            await _refuse(send, 405, (b"allow", b"POST"))
        elif (INSTANCE_HEADER, INSTANCE.encode()) in scope["headers"]:
            await _refuse(send, OWN_QUESTION)
        else:
            await manager.handle_request(scope, receive, send)

    async with manager.run():
        yield app


def _recognised(asking: Asking) -> Principal:
    """Whoever the server's own guards recognised before the request came here."""
    if asking.request is None:
        raise AssertionError("what comes over HTTP comes with its request")
    principal: Principal = asking.request.scope["user"]
    return principal


async def _refuse(send: Any, status: int, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
