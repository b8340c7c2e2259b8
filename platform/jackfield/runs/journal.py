"""The numbered events of one run: told to watchers at once, and written to the store in batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime

from jackfield.cancellation import carried_through
from jackfield.contracts.budgets import Spending
from jackfield.contracts.records import RunEnd, RunRecords
from jackfield.contracts.runs import RunRecord, RunState
from jackfield.errors import JackfieldError
from jackfield.events import (
    CallText,
    Cancelled,
    Failed,
    Finished,
    Paused,
    Queued,
    Resumed,
    RunEvent,
    RunEventBody,
    Started,
    TextDelta,
    Usage,
)
from jackfield.runs.usage_so_far import UsageSoFar

Spent = Callable[[RunRecord, Usage | None], Spending]
"""What a run came to that used so much; None for one that never began. See `identity.prices.Prices.spending`."""

WRITE_INTERVAL = 0.25
"""Seconds until the events are stored that nobody waits for; anything else is stored at once."""

STORED_SOON = (Queued, Started, TextDelta, CallText)


class RunJournal:
    """Written by one run, followed by any number of watchers, on one event loop.

    It is `closing` once it was given an end or a pause to write.
    """

    def __init__(
        self,
        records: RunRecords,
        run: RunRecord,
        history: Sequence[RunEvent] = (),
        *,
        spent: Spent,
        executing: bool = False,
    ) -> None:
        """`history` are the events on record of a run that is taken up again; `executing` says that it goes on."""
        self._records = records
        self._run = run
        self._spent = spent
        self._events: list[RunEvent] = list(history)
        self._shown = len(history)
        self._stored = len(history)
        self.closing = False
        self._left = False
        self._to_be_running = executing
        self._storing = asyncio.Lock()
        self._due: asyncio.TimerHandle | None = None
        self._late: asyncio.Task[None] | None = None
        self._watchers: list[asyncio.Future[None]] = []

    async def write(self, body: RunEventBody) -> None:
        """Number an event, store it when due, and tell the watchers; ends, pauses and resumptions only once stored.

        The first end stands: a second one only tries again to record it. A cancel waits for what is being stored.
        """
        event = self._end or self._numbered(body)
        self.closing = event.final or isinstance(body, Paused)
        if event.final or isinstance(body, Paused | Resumed):
            await carried_through(self._store_and_show(body))
            return
        self._show()
        if isinstance(body, STORED_SOON):
            await self._raise_late()
            self._store_soon()
        else:
            await carried_through(self._store())

    def abandon(self, error: JackfieldError) -> None:
        """Tell the watchers of an end that the store could not take."""
        self._hurry_no_more()
        del self._events[self._shown :]
        self._numbered(failure(error))
        self._show()

    def leave(self) -> None:
        """Tell no more, and nothing that is not on record: the run waits for somebody, or is another process's."""
        self._hurry_no_more()
        del self._events[self._stored :]
        self._left = True
        self._show()

    async def follow(self, *, after: int = 0) -> AsyncIterator[RunEvent]:
        """Events with a greater number, past and to come, until the final one or a pause."""
        position = after
        while not (self.over and position >= self._shown):
            if self._shown <= position:
                await self._news()
            for event in self._events[position : self._shown]:
                yield event
                position = event.number

    @property
    def ended(self) -> bool:
        """Whether the final event was told."""
        return self._shown > 0 and self._events[self._shown - 1].final

    @property
    def over(self) -> bool:
        """Whether nothing more will come from here."""
        return self.ended or self._left

    @property
    def _end(self) -> RunEvent | None:
        return self._events[-1] if self._events and self._events[-1].final else None

    def _numbered(self, body: RunEventBody) -> RunEvent:
        event = RunEvent(run_id=self._run.id, number=len(self._events) + 1, at=datetime.now(UTC), body=body)
        self._events.append(event)
        return event

    async def _store_and_show(self, body: RunEventBody) -> None:
        self._hurry_no_more()
        if self._late:
            await asyncio.wait([self._late])
        await self._store()
        if isinstance(body, Paused):
            await self._records.set_state(self._run.id, "paused")
            self.leave()
        else:
            self._show()

    async def _store(self) -> None:
        async with self._storing:
            if not (fresh := self._events[self._stored :]):
                return
            end = run_end(self._run, self._events, self._spent) if fresh[-1].final else None
            await self._records.append(self._run.id, fresh, end=end)
            self._stored += len(fresh)
            if self._to_be_running and not self.closing:
                await self._records.set_state(self._run.id, "running")
                self._to_be_running = False

    def _store_soon(self) -> None:
        """Within WRITE_INTERVAL; many answers have come to their end by then, and are stored at once."""
        if self._due is None and self._late is None:
            self._due = asyncio.get_running_loop().call_later(WRITE_INTERVAL, self._store_late)

    def _store_late(self) -> None:
        self._due = None
        self._late = asyncio.create_task(self._store(), name=f"store {self._run.id}")

    async def _raise_late(self) -> None:
        """Raises what storing raised meanwhile."""
        if self._late and self._late.done():
            late, self._late = self._late, None
            late.result()

    def _hurry_no_more(self) -> None:
        if self._due:
            self._due.cancel()
            self._due = None

    async def _news(self) -> None:
        watcher = asyncio.get_running_loop().create_future()
        self._watchers.append(watcher)
        await watcher

    def _show(self) -> None:
        self._shown = len(self._events)
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            if not watcher.done():
                watcher.set_result(None)


def run_end(run: RunRecord, events: Sequence[RunEvent], spent: Spent) -> RunEnd:
    """How a run stands after all its events, of which the last is final, and what it came to."""
    return end_of(run, events[-1], UsageSoFar(event.body for event in events).usage, spent)


def end_of(run: RunRecord, last: RunEvent, usage: Usage | None, spent: Spent) -> RunEnd:
    """How a run stands after its final event, having used so much."""
    body = last.body
    return RunEnd(
        state=_state(body),
        finished_at=last.at,
        usage=usage,
        error=body.message if isinstance(body, Failed) else None,
        spent=spent(run, usage),
    )


def failure(error: JackfieldError, *, usage: Usage | None = None) -> Failed:
    """An error as a run's last event."""
    return Failed(
        code=error.code,
        message=error.message,
        parameter=error.parameter,
        retry_after=getattr(error, "retry_after", None),
        usage=usage,
    )


def _state(body: RunEventBody) -> RunState:
    match body:
        case Finished():
            return "finished"
        case Cancelled():
            return "cancelled"
        case _:
            return "failed"
