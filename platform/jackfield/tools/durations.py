"""How long calls take, from what was measured."""

from __future__ import annotations

from collections import deque
from statistics import median

from jackfield.contracts.tools import ToolDescription, ToolResult

REMEMBERED = 15
"""Calls of a tool that its estimate is the median of: enough that one slow answer does not move it."""


class Durations:
    """Seconds that a call of each tool is expected to take."""

    def __init__(self) -> None:
        self._measured: dict[str, deque[float]] = {}

    def estimate(self, tool: ToolDescription) -> float:
        """The median of what was measured lately; before that, what the tool says of itself."""
        measured = self._measured.get(tool.name)
        return median(measured) if measured else tool.estimate

    def record(self, tool: str, seconds: float, result: object) -> None:
        """A call took so long; counted only where it gave what it should."""
        if isinstance(result, ToolResult) and not result.error:
            self._measured.setdefault(tool, deque(maxlen=REMEMBERED)).append(seconds)
