"""A call that works while its arguments are still being written."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import structlog

from jackfield.cancellation import carried_through
from jackfield.contracts.tools import ArgumentPart, StreamingTool, ToolResult
from jackfield.errors import RetryLater
from jackfield.tools.arguments import checked_arguments
from jackfield.tools.deadlines import Deadlines, contained
from jackfield.tools.durations import Durations
from jackfield.tools.places import Place, Places
from jackfield.tools.result_text import failure_result, presentable

log = structlog.get_logger()

UNDO_LIMIT = 5.0
"""Seconds that a tool may take to undo what it began."""


class _Whole(msgspec.Struct, frozen=True):
    """The arguments are all written."""

    arguments: dict[str, Any]


class _Fed:
    """What a tool was given of a call so far."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._open: set[str] = set()

    def add(self, part: ArgumentPart) -> None:
        goes_on = part.field in self._open
        self._values[part.field] = self._values[part.field] + part.value if goes_on else part.value
        (self._open.discard if part.complete else self._open.add)(part.field)

    def agrees(self, arguments: Mapping[str, Any]) -> bool:
        """Whether the whole arguments begin with it."""
        return all(
            str(arguments.get(field, "")).startswith(value)
            if field in self._open
            else field in arguments and arguments[field] == value
            for field, value in self._values.items()
        )


class StreamedCall:
    """One call of a StreamingTool; the tool works in a task of its own, so that whoever feeds it never waits.

    Ends with `finish` or `abort`, one of which must be awaited. The tool's time-out counts from `finish` on. Where the
    arguments turn out to be others than what was fed, what was begun is undone and the call is made at once as a whole.
    """

    def __init__(
        self,
        tool: StreamingTool,
        *,
        places: Places,
        deadlines: Deadlines,
        durations: Durations,
        whole: Callable[[StreamingTool, Mapping[str, Any], RetryLater | None], Awaitable[ToolResult]],
    ) -> None:
        self._tool = tool
        self._description = tool.description
        self._places = places
        self._deadlines = deadlines
        self._durations = durations
        self._whole = whole
        self._coming: asyncio.Queue[ArgumentPart | _Whole] = asyncio.Queue()
        self._fed = _Fed()
        self._place: Place | None = None
        self._placed = asyncio.Event()
        self._token: str | None = None
        self._busy = 0.0
        self._ended = False
        self._work = asyncio.create_task(self._worked(), name=f"tool {self._description.name}")
        self._work.add_done_callback(_retrieved)

    def feed(self, part: ArgumentPart) -> None:
        """More of the arguments; the tool gets it once it is through with what came before."""
        self._fed.add(part)
        self._coming.put_nowait(part)

    async def finish(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The result, or why there is none. Raises nothing but CancelledError, once the tool has stopped."""
        name = self._description.name
        if self._ended:
            return ToolResult(text=f"The call of tool '{name}' was ended before.", error=True)
        try:
            fitting = checked_arguments(self._description, arguments)
            result: Any = await (self._outcome(fitting) if self._fed.agrees(fitting) else self._anew(fitting, None))
        except asyncio.CancelledError:
            await self.abort()
            raise
        except RetryLater as error:
            result = await self._anew(arguments, error)
        except Exception as error:  # noqa: BLE001 the boundary: a tool may raise anything; it is logged there
            await self.abort()
            result = failure_result(name, error)
        self._ended = True
        self._free_place()
        return presentable(result, self._description)

    async def abort(self) -> None:
        """Stop the tool and have it undo what it began; a second call does nothing, nor does one behind a result."""
        if not self._ended:
            self._ended = True
            await carried_through(self._undone())

    async def _worked(self) -> ToolResult:
        self._place = await self._places.take(self._description, self._durations.estimate(self._description))
        self._placed.set()
        self._token = await self._timed(self._tool.begin())
        while not isinstance(item := await self._coming.get(), _Whole):
            await self._timed(self._tool.feed(self._token, item))
        result: ToolResult = await self._timed(self._tool.finish(self._token, item.arguments))
        return result

    async def _timed(self, work: Awaitable[Any]) -> Any:
        began = time.monotonic()
        try:
            return await contained(work, self._description.name)
        finally:
            self._busy += time.monotonic() - began

    async def _outcome(self, arguments: dict[str, Any]) -> ToolResult:
        self._coming.put_nowait(_Whole(copy.deepcopy(arguments)))
        placed = asyncio.ensure_future(self._placed.wait())
        try:
            await asyncio.wait({placed, self._work}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            placed.cancel()
        result = await self._deadlines.met_by(self._work, self._description.timeout, self._description.name)
        self._durations.record(self._description.name, self._busy, result)
        return result

    async def _anew(self, arguments: Mapping[str, Any], error: RetryLater | None) -> ToolResult:
        """Undo, and make the call as a whole: after an error that asks for it, or because it is another."""
        await self.abort()
        try:
            return await self._whole(self._tool, arguments, error)
        except Exception as failure:  # noqa: BLE001 the boundary: a tool may raise anything; it is logged there
            return failure_result(self._description.name, failure)

    async def _undone(self) -> None:
        name = self._description.name
        await self._deadlines.stop(self._work, name)
        try:
            if self._token is not None:
                await self._deadlines.met(self._tool.abort(self._token), UNDO_LIMIT, name)
        except Exception as error:
            log.error("a tool did not undo a call", tool=name, exc_info=error)
        finally:
            self._free_place()

    def _free_place(self) -> None:
        if self._place:
            self._place.free()


def _retrieved(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
