"""The tools that an answer may call, and what to say to a model that calls another."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from jackfield.contracts.tools import ToolDescription

MOST_NAMED = 20


class KnownTools:
    """Tools by name."""

    def __init__(self, tools: Sequence[ToolDescription]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def __bool__(self) -> bool:
        return bool(self._tools)

    def schema_of(self, name: str, parameter: str) -> dict[str, Any]:
        """A parameter's schema, empty where nothing is said of it."""
        tool = self._tools.get(name)
        schema = (tool.parameters.get("properties") or {}).get(parameter) if tool else None
        return schema if isinstance(schema, dict) else {}

    def unknown(self, name: str) -> str:
        """A sentence for a model that called a tool that does not exist."""
        near = difflib.get_close_matches(name, self._tools, n=3, cutoff=0.6)
        if near:
            return f"There is no tool named {name!r:.80}; did you mean {' or '.join(near)}?"
        names = ", ".join(list(self._tools)[:MOST_NAMED])
        more = f" and {len(self._tools) - MOST_NAMED} more" if len(self._tools) > MOST_NAMED else ""
        return f"There is no tool named {name!r:.80}; the tools are: {names}{more}."
