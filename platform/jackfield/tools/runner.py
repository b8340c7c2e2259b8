"""Runs calls: each with its arguments checked, in its place, within its time; what fails is told and not raised."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Mapping
from typing import Any

import structlog

from jackfield.contracts.tools import StreamingTool, Tool, ToolDescription, ToolResult
from jackfield.errors import RetryLater
from jackfield.tools.arguments import checked_arguments
from jackfield.tools.deadlines import Deadlines
from jackfield.tools.durations import Durations
from jackfield.tools.places import Places
from jackfield.tools.result_text import failure_result, presentable
from jackfield.tools.streamed_call import StreamedCall

log = structlog.get_logger()


class CallRunner:
    """Runs the calls of a whole app, so that a tool's limits hold across runs. It asks for no approval."""

    def __init__(
        self, durations: Durations | None = None, *, places: Places | None = None, deadlines: Deadlines | None = None
    ) -> None:
        self.durations = durations or Durations()
        self._places = places or Places()
        self._deadlines = deadlines or Deadlines()

    async def run(self, tool: Tool, arguments: Mapping[str, Any]) -> ToolResult:
        """What a call gave, or why it gave nothing. Raises nothing but CancelledError, once the tool has stopped."""
        description = tool.description
        try:
            fitting = checked_arguments(description, arguments)
            return presentable(await self._tried(tool, description, fitting), description)
        except Exception as error:  # noqa: BLE001 the boundary: a tool may raise anything; it is logged there
            return presentable(failure_result(description.name, error), description)

    async def begin(self, tool: StreamingTool) -> StreamedCall:
        """Open a call whose arguments are still being written; never waits for the tool."""
        return StreamedCall(
            tool, places=self._places, deadlines=self._deadlines, durations=self.durations, whole=self._whole
        )

    async def close(self) -> None:
        """Cancel once more what did not stop when its call was cancelled."""
        await self._deadlines.close()

    async def _tried(
        self, tool: Tool, description: ToolDescription, arguments: Mapping[str, Any], *, tries: int = 0
    ) -> ToolResult:
        """A call, repeated where the tool asks for it; `tries` were made before."""
        while True:
            try:
                return await self._attempt(tool, description, arguments)
            except RetryLater as error:
                tries += 1
                await put_off(error, description, tries)

    async def _whole(self, tool: StreamingTool, arguments: Mapping[str, Any], error: RetryLater | None) -> ToolResult:
        """A call that was streamed, all at once now: to be tried again because of an error, or from the beginning."""
        description = tool.description
        if error:
            await put_off(error, description, 1)
        return await self._tried(tool, description, arguments, tries=1 if error else 0)

    async def _attempt(self, tool: Tool, description: ToolDescription, arguments: Mapping[str, Any]) -> ToolResult:
        place = await self._places.take(description, self.durations.estimate(description))
        began = time.monotonic()
        try:
            work = tool.call(copy.deepcopy(dict(arguments)))
            result = await self._deadlines.met(work, description.timeout, description.name)
        finally:
            place.free()
        self.durations.record(description.name, time.monotonic() - began, result)
        return result


async def put_off(error: RetryLater, tool: ToolDescription, tries: int) -> None:
    """Wait as long as a tool asks for; raises its error where it was tried often enough.

    So it does where the wait would be longer than the tool's own time-out: a call must come to an end.
    """
    if tries > tool.retries or error.after > tool.timeout:
        raise error
    log.info("a tool asks to be tried again", tool=tool.name, after=error.after, reason=error.message)
    await asyncio.sleep(max(0.0, error.after))
