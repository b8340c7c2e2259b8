"""An MCP server as people write them with the SDK, with tools that misbehave.

It speaks over standard input and output, or with `http PORT` over streamable HTTP; with a `TOKEN` in its environment
only to who brings it, with `LEGACY` as servers before 2026-07-28 do: in sessions.
`hang` and `refuse` never get that far.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import uvicorn
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp_types import ToolAnnotations

server = MCPServer("trials")
READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)


@server.tool(annotations=READS)
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def look_up(what: str) -> str:
    """Look something up."""
    return f"nothing on {what}"


@server.tool()
def note(text: str) -> str:
    """Write a note."""
    return f"noted {text}"


@server.tool(annotations=READS)
def environment(name: str) -> str:
    """What this program sees of its environment."""
    return os.environ.get(name, "not there")


@server.tool(annotations=READS)
def process_id() -> int:
    """This program's process."""
    return os.getpid()


@server.tool(annotations=READS)
def header(name: str, context: Context[Any, Any]) -> str:
    """What the request brought."""
    return (context.headers or {}).get(name, "not there")


@server.tool()
def die() -> str:
    """End the program in the middle of the call."""
    os.write(2, b"out of cheese\n")
    os._exit(3)


@server.tool()
async def hang() -> str:
    """Never answer."""
    await asyncio.sleep(3600)
    return "too late"


@server.tool()
def fail() -> str:
    """Raise."""
    raise ValueError("the cupboard is bare")


@server.tool()
def picture() -> Image:
    """An image."""
    return Image(data=b"\x89PNG" + bytes(3000), format="png")


@server.tool()
def huge() -> str:
    """Ten megabytes."""
    return "x" * 10_000_000


@server.tool()
def chatter() -> str:
    """Write where only messages belong."""
    os.write(1, b"this is no message\n")
    return "done"


@server.tool()
async def learn(name: str, context: Context[Any, Any]) -> str:
    """Offer one tool more from now on."""
    server.add_tool(lambda: "learnt", name=name, description="Learnt later.")
    await context.notify_tools_changed()
    await context.session.send_tool_list_changed()
    return name


async def guarded(scope: Any, receive: Any, send: Any) -> None:
    """The server over HTTP, for whoever brings the token and speaks a version that it knows."""
    headers = dict(scope.get("headers", ()))
    status = None
    if "TOKEN" in os.environ and headers.get(b"authorization") != f"Bearer {os.environ['TOKEN']}".encode():
        status = 401
    elif "LEGACY" in os.environ and headers.get(b"mcp-protocol-version", b"") > b"2026":
        status = 400
    if status is None or scope["type"] != "http":
        await app(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})


match sys.argv[1:]:
    case ["hang"]:
        asyncio.run(asyncio.sleep(3600))
    case ["refuse"]:
        sys.exit("no licence found")
    case ["http", port]:
        app = server.streamable_http_app()
        uvicorn.run(guarded, host="127.0.0.1", port=int(port), log_level="warning", ws="none")
    case _:
        server.run()
