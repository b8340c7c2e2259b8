"""The numbered events of one run that a worker executes: on record first, told live then."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jackfield.contracts.runs import RunRecord
from jackfield.errors import JackfieldError
from jackfield.events import (
    FINAL_EVENTS,
    CallText,
    Paused,
    Queued,
    Resumed,
    RunEvent,
    RunEventBody,
    Started,
    TextDelta,
)
from jackfield.runs.usage_so_far import UsageSoFar

if TYPE_CHECKING:
    from jackfield.runs.group_writer import GroupWriter

MOST_WAITING = 256
"""Events of one run that wait to be stored; whoever writes more waits too."""

STORED_SOON = (Queued, Resumed, Started, TextDelta, CallText)
"""What nothing follows from but more of the same: `write` does not wait until it is on record."""


class DurableJournal:
    """Takes one run's events in order and has a writer store them; made by `GroupWriter.journal`.

    What waits while a transaction is under way goes into the next one, its text in one piece.
    """

    def __init__(self, writer: GroupWriter, run: RunRecord, history: Sequence[RunEvent] = ()) -> None:
        """`history` are all the events on record of a run that is taken up again."""
        self.run = run
        self._writer = writer
        self._number = history[-1].number if history else 0
        self._used = UsageSoFar(event.body for event in history)
        self._waiting: deque[tuple[RunEventBody, datetime]] = deque()
        self._failure: JackfieldError | None = None
        self._room, self._landed, self._settled = asyncio.Event(), asyncio.Event(), asyncio.Event()
        for event in (self._room, self._landed, self._settled):
            event.set()
        self._ends = False
        self.ended = False

    async def write(self, body: RunEventBody) -> None:
        """Add an event: text and what leads up to it is stored soon, anything else once this returns.

        Waits where too much does. Raises RunElsewhere once another worker has the run, StateUnavailable once the store
        was away for too long; whatever was not stored then was told to nobody.
        """
        await self._wait_for(self._room)
        self._used.take(body)
        self._waiting.append((body, datetime.now(UTC)))
        if isinstance(body, FINAL_EVENTS):
            await self._end()
            return
        self._settled.clear()
        if len(self._waiting) >= MOST_WAITING:
            self._room.clear()
        self._writer.wake(self)
        if not isinstance(body, STORED_SOON):
            await self.settle()
        if isinstance(body, Paused):
            await self._writer.pause(self.run.id)

    async def settle(self) -> None:
        """Wait until everything is on record; raises as `write` does."""
        await self._wait_for(self._settled)

    def take(self) -> list[RunEvent]:
        """What is to be stored next, numbered; nothing where the run's end takes it along."""
        return [] if self._ends else self._numbered()

    def land(self) -> None:
        """What was taken is on record."""
        self._landed.set()
        if not self._waiting:
            self._settled.set()

    def fail(self, error: JackfieldError) -> None:
        """Take no more: the run is another worker's, or cannot be stored."""
        self._failure = error
        self._waiting.clear()
        for event in (self._room, self._landed, self._settled):
            event.set()

    async def _end(self) -> None:
        self._ends = True
        await self._wait_for(self._landed)
        events = self._numbered()
        try:
            await self._writer.store_end(self.run, events, self._used.usage)
        except JackfieldError as error:
            self.fail(error)
            raise
        self.ended = True
        self.land()

    async def _wait_for(self, event: asyncio.Event) -> None:
        await event.wait()
        if self._failure:
            raise self._failure

    def _numbered(self) -> list[RunEvent]:
        events: list[RunEvent] = []
        while self._waiting:
            body, at = self._waiting.popleft()
            while isinstance(body, TextDelta) and self._waiting and isinstance(more := self._waiting[0][0], TextDelta):
                body = _joined(body, more)
                self._waiting.popleft()
            self._number += 1
            events.append(RunEvent(run_id=self.run.id, number=self._number, at=at, body=body))
        self._room.set()
        if events:
            self._landed.clear()
        return events


def _joined(one: TextDelta, more: TextDelta) -> TextDelta:
    return TextDelta(
        text=one.text + more.text,
        tokens=one.tokens + more.tokens,
        scores=one.scores + more.scores,
        ids=one.ids + more.ids,
    )
