"""The numbered events of one run: told to watchers at once, and written to the store in batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from jackfield.contracts.records import RunRecords
from jackfield.contracts.runs import RunRecord, RunState
from jackfield.errors import JackfieldError
from jackfield.events import CallText, Cancelled, Failed, Finished, Paused, Resumed, RunEvent, RunEventBody, TextDelta

WRITE_INTERVAL = 0.25
"""Seconds between writes of an answer's deltas; anything else is written at once."""


class RunJournal:
    """Written by one run, followed by any number of watchers, on one event loop.

    It is `closing` once it was given an end or a pause to write.
    """

    def __init__(self, records: RunRecords, run: RunRecord, history: Sequence[RunEvent] = ()) -> None:
        """`history` are the events on record of a run that is taken up again."""
        self._records = records
        self._run = run
        self._events: list[RunEvent] = list(history)
        self._shown = len(history)
        self._stored = len(history)
        self.closing = False
        self._left = False
        self._stored_at = 0.0
        self._news = asyncio.Condition()

    async def write(self, body: RunEventBody) -> None:
        """Number an event, store it when due, and tell the watchers; ends, pauses and resumptions only once stored.

        The first end stands: a second one only tries again to record it.
        """
        event = self._end or self._numbered(body)
        self.closing = event.final or isinstance(body, Paused)
        told_at_once = not (event.final or isinstance(body, Paused | Resumed))
        if told_at_once:
            await self._show()
        if (
            not isinstance(body, TextDelta | CallText)
            or asyncio.get_running_loop().time() - self._stored_at > WRITE_INTERVAL
        ):
            await self._store()
        if event.final:
            await settle(self._records, event)
        if isinstance(body, Paused):
            await self._records.set_state(self._run.id, "paused")
            await self.leave()
        elif not told_at_once:
            await self._show()

    async def abandon(self, error: JackfieldError) -> None:
        """Tell the watchers of an end that the store could not take."""
        del self._events[self._shown :]
        self._numbered(failure(error))
        await self._show()

    async def leave(self) -> None:
        """Tell no more, and nothing that is not on record: the run waits for somebody, or is another process's."""
        del self._events[self._stored :]
        async with self._news:
            self._shown = len(self._events)
            self._left = True
            self._news.notify_all()

    async def follow(self, *, after: int = 0) -> AsyncIterator[RunEvent]:
        """Events with a greater number, past and to come, until the final one or a pause."""
        position = after
        while not (self.over and position >= self._shown):
            async with self._news:
                while self._shown <= position and not self.over:
                    await self._news.wait()
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

    async def _store(self) -> None:
        fresh = self._events[self._stored :]
        await self._records.append(self._run.id, fresh)
        self._stored += len(fresh)
        self._stored_at = asyncio.get_running_loop().time()

    async def _show(self) -> None:
        async with self._news:
            self._shown = len(self._events)
            self._news.notify_all()


async def settle(records: RunRecords, end: RunEvent) -> None:
    """Put on record how a run stands after its last event."""
    body = end.body
    await records.set_state(
        end.run_id,
        _state(body),
        finished_at=end.at,
        usage=body.usage if isinstance(body, Finished | Cancelled) else None,
        error=body.message if isinstance(body, Failed) else None,
    )


def failure(error: JackfieldError) -> Failed:
    """An error as a run's last event."""
    return Failed(
        code=error.code,
        message=error.message,
        parameter=error.parameter,
        retry_after=getattr(error, "retry_after", None),
    )


def _state(body: RunEventBody) -> RunState:
    match body:
        case Finished():
            return "finished"
        case Cancelled():
            return "cancelled"
        case _:
            return "failed"
