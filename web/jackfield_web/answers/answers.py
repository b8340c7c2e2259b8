"""The runs that answer one HTTP request: begun together, read as one, and cancelled together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence

import structlog

from jackfield.contracts.identity import Principal
from jackfield.contracts.runs import RunRecord, RunRequest
from jackfield.errors import EngineFailure, RunCancelled, ShuttingDown
from jackfield.events import (
    CallOpened,
    CallText,
    CallWritten,
    Cancelled,
    Failed,
    Finished,
    Paused,
    Rewritten,
    RunEvent,
    SourcesFound,
    Started,
    TextDelta,
)
from jackfield.workbench import Workbench
from jackfield_web.answers.merged_events import MergedEvents
from jackfield_web.answers.open_streams import OpenStreams
from jackfield_web.errors import error_of

log = structlog.get_logger()

AnswerEvent = SourcesFound | Started | TextDelta | Rewritten | CallOpened | CallText | CallWritten | Paused | Finished
"""What is left for a reader: to fail or to be cancelled raises, and what tools do here is for those who watch a run."""


class Answers:
    """One run for each choice of an answer. It must be closed, and then whatever it began and still runs is cancelled.

    `principal` is on whose account the runs are done.
    """

    def __init__(self, workbench: Workbench, open_streams: OpenStreams, principal: Principal | None = None) -> None:
        self._workbench = workbench
        self._principal = principal
        self._events = MergedEvents(workbench, open_streams)
        self._early: deque[tuple[int, AnswerEvent]] = deque()
        self._unfinished: dict[int, str] = {}
        self._begun: list[str] = []
        self._left_running = False
        self.runs: list[RunRecord] = []

    async def start(self, requests: Sequence[RunRequest]) -> None:
        """Begin a run for each request; raises what `Workbench.start` raises."""
        for request in requests:
            run = await self._workbench.start(request, principal=self._principal)
            self._begun.append(run.id)
            self.follow(run)

    def follow(self, run: RunRecord) -> None:
        """Read a run from its beginning; one that was not begun here goes on when this is closed."""
        index = len(self.runs)
        self.runs.append(run)
        self._unfinished[index] = run.id
        self._events.follow(index, run.id)

    async def settle(self) -> None:
        """Wait until every run has left the queue, or one has written something or waits for somebody.

        Raises what a run failed with by then, so that it can still become a status.
        """
        queued = set(self._unfinished)
        while queued:
            index, event = await self._next_event()
            self._early.append((index, event))
            if isinstance(event, SourcesFound):
                continue
            queued.discard(index)
            if not isinstance(event, Started):
                return

    async def events(self) -> AsyncGenerator[tuple[int, AnswerEvent]]:
        """Each run's events by its index, until all have finished; raises when one fails or is cancelled."""
        while self._early or self._unfinished:
            yield self._early.popleft() if self._early else await self._next_event()

    async def events_or_silence(self, patience: float) -> AsyncGenerator[tuple[int, AnswerEvent] | None]:
        """The same, and None whenever nothing came for `patience` seconds."""
        while self._early or self._unfinished:
            try:
                async with asyncio.timeout(patience):
                    event = self._early.popleft() if self._early else await self._next_event()
            except TimeoutError:
                yield None
            else:
                yield event

    async def close(self) -> None:
        """Cancel what has not ended and read no more; a second call does nothing.

        Where it is the server that ends and not the reader, runs that execute elsewhere go on.
        """
        await self._events.close()
        unfinished, self._unfinished = self._unfinished, {}
        if self._left_running:
            return
        cancelling = [self._workbench.cancel(run_id) for run_id in unfinished.values() if run_id in self._begun]
        for outcome in await asyncio.gather(*cancelling, return_exceptions=True):
            if isinstance(outcome, Exception):
                log.warning("a run could not be cancelled", reason=str(outcome))

    async def _next_event(self) -> tuple[int, AnswerEvent]:
        while True:
            try:
                index, event = await self._events.next()
            except ShuttingDown:
                self._left_running = self._workbench.runs_elsewhere
                raise
            if event and event.final:
                del self._unfinished[index]
            if event and (answer := _checked(event)):
                return index, answer
            if event is None and index in self._unfinished:
                raise EngineFailure(f"Run '{self._unfinished[index]}' ended without saying how.")


def _checked(event: RunEvent) -> AnswerEvent | None:
    match event.body:
        case Failed() as failure:
            raise error_of(failure)
        case Cancelled():
            raise RunCancelled(f"Run '{event.run_id}' was cancelled before its answer was whole.")
        case SourcesFound() | Started() | TextDelta() | Rewritten() | Paused() | Finished() as answer:
            return answer
        case CallOpened() | CallText() | CallWritten() as call:
            return call
    return None
