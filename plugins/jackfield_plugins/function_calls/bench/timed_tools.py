"""Tools that take a given time and do nothing else, and how much time that is."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

import msgspec

from jackfield.contracts.tools import ArgumentPart, ToolDescription, ToolResult
from jackfield.identifiers import new_identifier
from jackfield.messages import Call

SHORTEST, LONGEST, MEAN = 0.03, 0.5, 0.11
"""Seconds that a tool takes: as published for BFCL's functions, most of them short and a few long."""


def drawn_delays(seed: str, calls: int) -> list[float]:
    """Seconds for so many calls, the longest first; the same for the same seed."""
    random = Random(seed)  # noqa: S311 - a time, not a secret
    drawn = (SHORTEST + random.expovariate(1 / (MEAN - SHORTEST)) for _ in range(calls))
    return sorted((min(LONGEST, delay) for delay in drawn), reverse=True)


def stretched(delays: Sequence[float], longest: float) -> list[float]:
    """The same delays on another scale."""
    return [delay * longest / max(delays) for delay in delays]


class Delays:
    """How long the calls of the next run take."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, bytes], deque[float]] = {}

    def plan(self, calls: Sequence[Call], seconds: Iterable[float]) -> None:
        """Each call's time; calls that are alike take theirs in order."""
        self._seconds.clear()
        for call, delay in zip(calls, seconds, strict=True):
            self._seconds.setdefault(_key(call.tool, call.arguments), deque()).append(delay)

    def take(self, tool: str, arguments: Mapping[str, Any]) -> float:
        """The time of a call that is made now."""
        return self._seconds[_key(tool, arguments)].popleft()


class SleepingTool:
    """Waits."""

    def __init__(self, description: ToolDescription, delays: Delays) -> None:
        self._description = description
        self._delays = delays

    @property
    def description(self) -> ToolDescription:
        """What it is told to be, with a time-out that no bench meets."""
        return msgspec.structs.replace(self._description, timeout=600.0)

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Nothing, late."""
        delay = self._delays.take(self._description.name, arguments)
        await asyncio.sleep(delay)
        return ToolResult(text=f"done in {delay:.3f} s")


class LineWork:
    """A tool whose work is so many seconds for each line of its argument `code`; all at once only."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.seconds_a_line = 0.0

    @property
    def description(self) -> ToolDescription:
        """A program to run, line by line."""
        return ToolDescription(
            name=self._name,
            description="Runs a program, one line after the other.",
            parameters={"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]},
            timeout=600.0,
        )

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Work through all lines."""
        return await self._done(arguments["code"])

    async def _done(self, text: str) -> ToolResult:
        lines = len(text.splitlines())
        await asyncio.sleep(lines * self.seconds_a_line)
        return ToolResult(text=f"{lines} lines")


class StreamedLineWork(LineWork):
    """The same, which begins with the lines that are written."""

    async def begin(self) -> str:
        """Nothing to prepare."""
        return new_identifier("work")

    async def feed(self, call: str, part: ArgumentPart) -> None:
        """Work through the lines that are whole."""
        await self._done(part.value)

    async def finish(self, call: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Every line was fed and worked through."""
        return ToolResult(text=f"{len(arguments['code'].splitlines())} lines")

    async def abort(self, call: str) -> None:
        """Nothing to undo."""


def _key(tool: str, arguments: Mapping[str, Any]) -> tuple[str, bytes]:
    return tool, msgspec.json.encode(arguments, order="deterministic")
