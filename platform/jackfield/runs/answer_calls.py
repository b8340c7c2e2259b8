"""The calls of one answer, from the first token of each to its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from jackfield.cancellation import carried_through
from jackfield.contracts.tools import ToolResult
from jackfield.errors import ArgumentsInvalid
from jackfield.events import PendingCall
from jackfield.messages import Call, Span
from jackfield.runs.calls import Begun, Outcome, RunCalls
from jackfield.tools.partial_arguments import PartialArguments

Told = Callable[[Call, Outcome], None]


class AnswerCalls:
    """Started in any order, told of as each ends. Must be closed, which cancels what still runs."""

    def __init__(self, calls: RunCalls, told: Told, faulted: Callable[[], None]) -> None:
        """`told` hears of every outcome, and `faulted` where a call ends the run instead: `settle` raises why."""
        self._calls = calls
        self._told = told
        self._faulted = faulted
        self._streamed: dict[str, tuple[Begun, PartialArguments]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.outcomes: dict[str, Outcome] = {}

    @property
    def running(self) -> bool:
        """Whether a call has no outcome yet."""
        return any(identifier not in self.outcomes for identifier in self._tasks)

    @property
    def pending(self) -> tuple[PendingCall, ...]:
        """Those that wait for a person."""
        return tuple(outcome for outcome in self.outcomes.values() if isinstance(outcome, PendingCall))

    async def open(self, identifier: str, tool: str, *, caused_by: Sequence[Span]) -> None:
        """The model began to write a call; a tool that takes its arguments as they come begins with it."""
        if begun := await self._calls.begun(identifier, tool, caused_by=caused_by):
            self._streamed[identifier] = begun, PartialArguments()

    async def read_on(self, identifier: str, text: str) -> None:
        """More of an open call's arguments."""
        if identifier not in self._streamed:
            return
        begun, arguments = self._streamed[identifier]
        try:
            for part in arguments.feed(text):
                begun.streamed.feed(part)
        except ArgumentsInvalid:
            await self.abort(identifier)

    async def abort(self, identifier: str) -> None:
        """An open call turned out to be none."""
        if opened := self._streamed.pop(identifier, None):
            await opened[0].streamed.abort()

    def start(self, call: Call, *, caused_by: Sequence[Span]) -> None:
        """Run a call that is whole."""
        opened = self._streamed.get(call.identifier)
        work = self._perform(call, tuple(caused_by), opened[0] if opened else None)
        task = asyncio.create_task(work, name=f"call {call.tool}")
        task.add_done_callback(self._note_fault)
        self._tasks[call.identifier] = task

    async def settle(self) -> None:
        """Wait for every outcome; raises what ends the run, such as LoopDetected."""
        if self._tasks:
            await asyncio.gather(*self._tasks.values())

    async def close(self) -> None:
        """Cancel what still runs and undo what was begun and has no result; a second call does nothing."""
        await carried_through(self._closed())

    async def _closed(self) -> None:
        running = [task for task in self._tasks.values() if not task.done()]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
        for identifier in list(self._streamed):
            await self.abort(identifier)

    def _note_fault(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception():
            self._faulted()

    async def _perform(self, call: Call, caused_by: Sequence[Span], begun: Begun | None) -> None:
        outcome = await self._calls.outcome(call, caused_by=caused_by, begun=begun)
        if isinstance(outcome, ToolResult):
            outcome = _with_remark(outcome, self._calls.remark_on(call, outcome))
        self.outcomes[call.identifier] = outcome
        self._told(call, outcome)


def _with_remark(result: ToolResult, remark: str) -> ToolResult:
    return msgspec.structs.replace(result, text=result.text + remark) if remark else result
