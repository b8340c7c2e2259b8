"""Ending runs that no worker executes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jackfield.contracts.records import RunRecords
from jackfield.contracts.runs import RunRecord
from jackfield.errors import NameTaken, RunElsewhere
from jackfield.events import Cancelled, Failed, RunEvent
from jackfield.jobs.event_stream import EventPublisher
from jackfield.runs.journal import Spent, run_end

LEASE = timedelta(seconds=15)


class RunEnder:
    """Takes runs for the moment that it takes to end them, so that no worker can begin them meanwhile."""

    def __init__(self, records: RunRecords, publisher: EventPublisher, *, name: str, spent: Spent) -> None:
        self._records = records
        self._publisher = publisher
        self._name = name
        self._spent = spent

    async def end(self, run_id: str, body: Failed | Cancelled) -> bool:
        """Put an end on record; False where a worker has the run, or it has ended. Raises StateUnavailable."""
        run = await self._records.claim(run_id, self._name, until=datetime.now(UTC) + LEASE)
        return run is not None and await self._write(run, body, worker=self._name)

    async def end_paused(self, run: RunRecord, body: Cancelled) -> bool:
        """The same for a run that waits for somebody; False where it went on in that moment."""
        return await self._write(run, body, worker=None)

    async def _write(self, run: RunRecord, body: Failed | Cancelled, *, worker: str | None) -> bool:
        history = await self._records.events(run.id)
        event = RunEvent(run_id=run.id, number=len(history) + 1, at=datetime.now(UTC), body=body)
        end = run_end(run, [*history, event], self._spent)
        try:
            await self._records.append(run.id, [event], worker=worker, end=end)
        except (NameTaken, RunElsewhere):
            return False
        await self._publisher.publish([event])
        return True
