"""An MCP server of 2025-06-18 without an SDK, as thousands run: it lists in pages and tells of changes unasked.

`endless` lists without an end, `malformed` what are no tools, `silent` never, and `unable` refuses to.
"""

from __future__ import annotations

import json
import sys
from typing import Any

MANNER = "".join(sys.argv[1:])
SCHEMA = {"type": "object", "properties": {}}
NAMES = ["first", "second", "third"]


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """The result of a request, None for a method that is not known."""
    match method:
        case "initialize":
            return {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {"listChanged": True}},
                "serverInfo": {"name": "legacy", "version": "1"},
            }
        case "tools/list" if MANNER == "unable":
            return None
        case "tools/list" if MANNER == "malformed":
            return {"tools": [{"title": "nameless"}]}
        case "tools/list" if MANNER == "endless":
            return {"tools": [], "nextCursor": "more"}
        case "tools/list":
            page = int(params.get("cursor", 0))
            rest = {"nextCursor": str(page + 1)} if page + 1 < len(NAMES) else {}
            return {"tools": [{"name": NAMES[page], "inputSchema": SCHEMA}], **rest}
        case "tools/call":
            return called(params["name"])
    return None


def called(name: str) -> dict[str, Any]:
    """What the tools do: the second makes a fourth; the third gives everything but text."""
    if name == "second":
        NAMES.append("fourth")
        send({"method": "notifications/tools/list_changed"})
    if name != "third":
        return {"content": [{"type": "text", "text": f"{name} part"}, {"type": "text", "text": "and another"}]}
    return {
        "content": [
            {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"},
            {"type": "resource_link", "uri": "file:///plan.txt", "name": "plan", "mimeType": "text/plain"},
            {"type": "resource", "resource": {"uri": "file:///a.txt", "text": "the letter a"}},
            {"type": "resource", "resource": {"uri": "file:///b.bin", "blob": "AAECAw=="}},
        ],
        "structuredContent": {"size": 3},
    }


def send(message: dict[str, Any]) -> None:
    """One line."""
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


for line in sys.stdin:
    request = json.loads(line)
    if "id" in request and not (request["method"] == "tools/list" and MANNER == "silent"):
        result = answer(request["method"], request.get("params") or {})
        unknown = {"error": {"code": -32601, "message": "Method not found"}}
        send({"id": request["id"], **({"result": result} if result is not None else unknown)})
