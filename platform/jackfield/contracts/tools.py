"""Tools that a model can call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

Permission = Literal["read", "write", "network", "execute"]


class ToolDescription(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is told of a tool; `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: dict[str, Any]
    permission: Permission = "read"


class ToolResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a call gave back; `error` says that `text` is a reason and not a result."""

    text: str
    error: bool = False


class Tool(Protocol):
    """One callable thing. It does not ask for approval, retry or time itself out: the runner does."""

    @property
    def description(self) -> ToolDescription: ...

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult: ...


@runtime_checkable
class StreamingTool(Protocol):
    """A tool that may begin before its arguments are whole (Conveyor); only for stages free of side effects."""

    async def begin(self) -> str:
        """Open a call and give its token."""
        ...

    async def feed(self, call: str, part: Mapping[str, Any]) -> None: ...

    async def finish(self, call: str) -> ToolResult: ...

    async def abort(self, call: str) -> None: ...
