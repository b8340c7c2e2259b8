"""What the runs of one worker put on record, many of them in one transaction, and told live only then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Self, TypeVar

import structlog

from jackfield.contracts.records import RunRecords
from jackfield.contracts.runs import RunRecord
from jackfield.errors import (
    Conflict,
    InternalFault,
    JackfieldError,
    RunElsewhere,
    RunNotFound,
    ShuttingDown,
    StateUnavailable,
)
from jackfield.events import RunEvent, Usage
from jackfield.runs.durable_journal import DurableJournal
from jackfield.runs.journal import Spent, end_of
from jackfield.telemetry.spans import note_outage

log = structlog.get_logger()

T = TypeVar("T")
Publish = Callable[[Sequence[RunEvent]], Awaitable[None]]
"""Tells events that are on record, of several runs, each run's in order."""

PACE = 0.015
"""Seconds from one transaction to the next at least; the first after a rest begins at once."""

PATIENCE = 120.0
"""Seconds for which a store that is away is tried again."""

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 5.0
ONE_TRY = 30.0
"""Seconds after which a try counts as failed, though the store may still carry it out."""

MOST_UNTOLD = 20_000
"""Events that wait to be told live; what is more is left to watchers who read the record."""

LAST_WORDS = 5.0
"""Seconds that events may still take to be told when the writer closes."""


class GroupWriter:
    """Stores the events of all runs of a worker, on one event loop; used within `async with`."""

    def __init__(
        self, records: RunRecords, publish: Publish, *, worker: str, spent: Spent, patience: float = PATIENCE
    ) -> None:
        self._records = records
        self._publish = publish
        self._worker = worker
        self._spent = spent
        self._patience = patience
        self._news = asyncio.Event()
        self._waiting: dict[DurableJournal, None] = {}
        self._taken: dict[DurableJournal, list[RunEvent]] = {}
        self._untold: list[RunEvent] = []
        self._untold_news = asyncio.Event()
        self._all_told = asyncio.Event()
        self._all_told.set()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._store_all(), name="store events"),
            asyncio.create_task(self._tell_all(), name="tell events"),
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Tell what was stored, and store no more: who wants the rest on record settles its journals first."""
        storing, telling = self._tasks
        storing.cancel()
        await asyncio.wait([storing])
        for journal in {**self._taken, **self._waiting}:
            journal.fail(ShuttingDown("The worker is shutting down."))
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self._all_told.wait()
        telling.cancel()
        await asyncio.wait([telling])

    def journal(self, run: RunRecord, history: Sequence[RunEvent] = ()) -> DurableJournal:
        """Where to write a run that this worker holds, which has this `history` on record."""
        return DurableJournal(self, run, history)

    def wake(self, journal: DurableJournal) -> None:
        """A journal has something to store."""
        self._waiting[journal] = None
        self._news.set()

    async def pause(self, run_id: str) -> None:
        """Mark a run as paused, after its last event; raises StateUnavailable."""
        await self._tried(lambda: self._records.set_state(run_id, "paused"))

    async def store_end(self, run: RunRecord, events: Sequence[RunEvent], usage: Usage | None) -> None:
        """Store a run's last events together with how it stands and what it came to.

        Raises RunElsewhere or StateUnavailable.
        """
        end = end_of(run, events[-1], usage, self._spent)

        async def add() -> None:
            try:
                await self._records.append(run.id, events, worker=self._worker, end=end)
            except (Conflict, RunNotFound) as error:
                # Also where an earlier try was carried out whose answer was lost.
                if not await self._on_record(run.id, events):
                    raise _elsewhere(run.id) from error

        await self._tried(add)
        self._tell(events)

    async def _store_all(self) -> None:
        loop = asyncio.get_running_loop()
        due = 0.0
        while True:
            await self._news.wait()
            await asyncio.sleep(due - loop.time())
            due = loop.time() + PACE
            self._news.clear()
            waiting, self._waiting = self._waiting, {}
            self._taken = {journal: events for journal in waiting if (events := journal.take())}
            if self._taken:
                await self._store(self._taken)
            self._taken = {}

    async def _store(self, taken: dict[DurableJournal, list[RunEvent]]) -> None:
        """Store what was taken of some journals; what goes wrong ends only those concerned."""
        batches = [(journal.run.id, events) for journal, events in taken.items()]
        try:
            refused = await self._tried(lambda: self._records.append_all(batches, worker=self._worker))
            lost = [run_id for run_id, events in batches if run_id in refused and not await self._kept(run_id, events)]
        except StateUnavailable as error:
            for journal in taken:
                journal.fail(error)
            return
        except Exception as error:
            if len(taken) == 1:
                log.exception("events could not be stored", run=batches[0][0])
                next(iter(taken)).fail(_as_failure(error))
                return
            for journal, events in taken.items():
                await self._store({journal: events})
            return
        for journal, events in taken.items():
            if journal.run.id in lost:
                journal.fail(_elsewhere(journal.run.id))
            else:
                self._tell(events)
                journal.land()

    async def _kept(self, run_id: str, events: Sequence[RunEvent]) -> bool:
        """Whether events that were refused are on record all the same, by an earlier try whose answer was lost."""
        return await self._tried(lambda: self._on_record(run_id, events))

    async def _on_record(self, run_id: str, events: Sequence[RunEvent]) -> bool:
        """Whether just these events are the last on a run's record; another worker's would begin with a Resumed."""
        stored = await self._records.events(run_id, after=events[0].number - 1)
        return [(event.number, event.body) for event in stored] == [(event.number, event.body) for event in events]

    async def _tried(self, work: Callable[[], Awaitable[T]]) -> T:
        """What work gives, tried again while the store is away; raises StateUnavailable when patience ends."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._patience
        pause = FIRST_PAUSE
        while True:
            try:
                async with asyncio.timeout(ONE_TRY):
                    return await work()
            except (StateUnavailable, TimeoutError) as error:
                note_outage("database", type(error).__name__)
                if loop.time() + pause > give_up:
                    raise StateUnavailable(f"The state store was away for {self._patience:g} seconds.") from error
                log.warning("the state store is away, and is tried again", seconds=pause, reason=str(error))
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _tell(self, events: Sequence[RunEvent]) -> None:
        if len(self._untold) + len(events) > MOST_UNTOLD:
            log.warning("events are not told live, since too many wait to be", events=len(events))
            return
        self._untold += events
        self._all_told.clear()
        self._untold_news.set()

    async def _tell_all(self) -> None:
        while True:
            await self._untold_news.wait()
            self._untold_news.clear()
            events, self._untold = self._untold, []
            try:
                await self._publish(events)
            except Exception:
                # They are on record, where whoever misses them finds them.
                log.exception("events could not be told live", events=len(events))
            if not self._untold:
                self._all_told.set()


def _elsewhere(run_id: str) -> RunElsewhere:
    return RunElsewhere(f"Run '{run_id}' is another worker's by now.")


def _as_failure(error: Exception) -> JackfieldError:
    if isinstance(error, JackfieldError):
        return error
    return InternalFault(f"The run's events could not be stored ({type(error).__name__}); the log has the details.")
