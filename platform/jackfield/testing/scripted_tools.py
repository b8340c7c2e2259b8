"""Tools without effects: they do what their test says, and remember what they were asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from jackfield.contracts.registration import Provided
from jackfield.contracts.tools import Permission, Tool, ToolDescription, ToolResult
from jackfield.hookspecs import hookimpl
from jackfield.messages import Provenance


class ScriptedTool:
    """A tool of one name that answers what a function makes of its arguments, after some seconds."""

    def __init__(
        self,
        name: str,
        answers: Callable[[Mapping[str, Any]], str],
        *,
        parameters: Mapping[str, str] | None = None,
        permission: Permission = "read",
        seconds: float = 0.0,
        provenance: Provenance = "tool",
        **described: Any,
    ) -> None:
        """`parameters` are names with JSON types, all required; `described` goes to the description."""
        named = {"text": "string"} if parameters is None else dict(parameters)
        self.description = ToolDescription(
            name=name,
            description=f"The scripted tool {name}.",
            parameters={
                "type": "object",
                "properties": {parameter: {"type": kind} for parameter, kind in named.items()},
                "required": list(named),
            },
            permission=permission,
            **described,
        )
        self.asked: list[dict[str, Any]] = []
        self._answers = answers
        self.seconds = seconds
        self._provenance = provenance

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Remember, wait, answer."""
        self.asked.append(dict(arguments))
        await asyncio.sleep(self.seconds)
        return ToolResult(text=self._answers(arguments), provenance=self._provenance)


class ScriptedTools:
    """A plugin that registers tools."""

    def __init__(self, *tools: Tool) -> None:
        self._tools = tools

    @hookimpl
    def jackfield_tools(self) -> list[Provided[Tool]]:
        """The tools it was made with."""
        return [Provided(tool.description.name, lambda tool=tool: tool) for tool in self._tools]  # type: ignore[misc]
