"""Runs and their numbered events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from jackfield.contracts.runs import RunRecord, RunState
from jackfield.errors import Conflict, InvalidRequest, NameTaken, RunNotFound
from jackfield.events import RunEvent, Usage
from jackfield_storage.engine import Database
from jackfield_storage.tables import RunEventRow, RunRow

ENDED: tuple[RunState, ...] = ("finished", "failed", "cancelled")
UNFINISHED: tuple[RunState, ...] = ("queued", "running")


class SqlRunRecords:
    """Implements `jackfield.contracts.records.RunRecords`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, run: RunRecord) -> None:
        row = RunRow(
            id=run.id,
            request=run.request,
            state=run.state,
            created_at=run.created_at,
            finished_at=_end(run.state, run.finished_at),
            usage=run.usage,
            error=run.error,
        )

        async def insert_run(session: AsyncSession) -> None:
            session.add(row)

        try:
            await self._database.write(insert_run)
        except IntegrityError as error:
            raise NameTaken(f"There is a run '{run.id}' already.") from error

    async def get(self, run_id: str) -> RunRecord | None:
        row = await self._database.row(RunRow, run_id)
        return None if row is None else _run_record(row)

    async def recent(self, *, limit: int = 50, state: RunState | None = None) -> tuple[RunRecord, ...]:
        newest = select(RunRow).order_by(RunRow.created_at.desc(), RunRow.id.desc()).limit(limit)
        shown = newest if state is None else newest.where(RunRow.state == state)
        return tuple(_run_record(row) for row in await self._database.rows(shown))

    async def append(self, run_id: str, events: Sequence[RunEvent]) -> None:
        _check_batch(run_id, events)
        if not events:
            return

        async def insert_events(session: AsyncSession) -> None:
            _check_follows(run_id, events[0].number, await _last_number(session, run_id))
            await session.execute(insert(RunEventRow), [_event_values(event) for event in events])

        await self._database.write(insert_events)

    async def events(self, run_id: str, *, after: int = 0) -> tuple[RunEvent, ...]:
        later = (
            select(RunEventRow)
            .where(RunEventRow.run_id == run_id, RunEventRow.number > after)
            .order_by(RunEventRow.number)
        )
        return tuple(
            RunEvent(run_id=row.run_id, number=row.number, at=row.at, body=row.body)
            for row in await self._database.rows(later)
        )

    async def set_state(
        self,
        run_id: str,
        state: RunState,
        *,
        finished_at: datetime | None = None,
        usage: Usage | None = None,
        error: str | None = None,
    ) -> None:
        this = update(RunRow).where(RunRow.id == run_id)
        values = {"state": state, "finished_at": _end(state, finished_at), "usage": usage, "error": error}
        if not await self._database.changed(this.values(**values).returning(RunRow.id)):
            raise _no_run(run_id)

    async def unfinished(self) -> tuple[RunRecord, ...]:
        waiting = select(RunRow).where(RunRow.state.in_(UNFINISHED)).order_by(RunRow.created_at, RunRow.id)
        return tuple(_run_record(row) for row in await self._database.rows(waiting))

    async def prune(self, *, before: datetime) -> int:
        old = delete(RunRow).where(RunRow.state.in_(ENDED), RunRow.finished_at < before)
        return await self._database.changed(old.returning(RunRow.id))


async def _last_number(session: AsyncSession, run_id: str) -> int:
    """The number of a run's last event, 0 before the first; the run is locked until the transaction ends."""
    if await session.scalar(select(RunRow.id).where(RunRow.id == run_id).with_for_update()) is None:
        raise _no_run(run_id)
    return await session.scalar(select(func.max(RunEventRow.number)).where(RunEventRow.run_id == run_id)) or 0


def _check_batch(run_id: str, events: Sequence[RunEvent]) -> None:
    """Every event is this run's, and each follows the one before it."""
    for event in events:
        if event.run_id != run_id:
            raise InvalidRequest(f"Event {event.number} belongs to run '{event.run_id}', not to '{run_id}'.")
    for before, event in pairwise(events):
        _check_follows(run_id, event.number, before.number)


def _check_follows(run_id: str, number: int, last: int) -> None:
    if number <= last:
        raise NameTaken(f"Run '{run_id}' has an event {number} already; its last is {last}.")
    if number > last + 1:
        raise Conflict(f"Run '{run_id}' cannot take event {number}: event {last + 1} is missing.")


def _end(state: RunState, finished_at: datetime | None) -> datetime | None:
    """When a run ended: an ended run always has such a time, for runs are pruned by it."""
    return datetime.now(UTC) if finished_at is None and state in ENDED else finished_at


def _event_values(event: RunEvent) -> dict[str, Any]:
    return {"run_id": event.run_id, "number": event.number, "at": event.at, "body": event.body}


def _run_record(row: RunRow) -> RunRecord:
    return RunRecord(
        id=row.id,
        request=row.request,
        state=row.state,
        created_at=row.created_at,
        finished_at=row.finished_at,
        usage=row.usage,
        error=row.error,
    )


def _no_run(run_id: str) -> RunNotFound:
    return RunNotFound(f"There is no run '{run_id}' (it may have been pruned, see runs.keep_days).")
