"""Runs and their numbered events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from jackfield.contracts.budgets import Reservation
from jackfield.contracts.records import RunEnd
from jackfield.contracts.runs import RunRecord, RunState
from jackfield.errors import NameTaken
from jackfield.events import RunEvent, Usage
from jackfield_storage.budget_ledger import BudgetLedger
from jackfield_storage.compiled_once import CompiledOnce
from jackfield_storage.engine import Database
from jackfield_storage.grouped_writes import GroupedWrites
from jackfield_storage.run_appends import Append, append, append_held
from jackfield_storage.run_leases import SqlRunLeases
from jackfield_storage.run_rows import (
    ENDED,
    UNFINISHED,
    check_batch,
    end_time,
    no_run,
    run_event,
    run_record,
    run_values,
)
from jackfield_storage.tables import RunEventRow, RunRow

INSERTING = CompiledOnce(insert(RunRow))


class Addition(msgspec.Struct, frozen=True):
    """A new run, and what is set aside for it."""

    run: RunRecord
    reservation: Reservation | None


class SqlRunRecords(SqlRunLeases):
    """Implements `jackfield.contracts.records.RunRecords`."""

    def __init__(self, database: Database, ledger: BudgetLedger) -> None:
        super().__init__(database)
        self._ledger = ledger
        self._writing: GroupedWrites[Addition | Append] = GroupedWrites(self._write_all)

    async def add(self, run: RunRecord, reservation: Reservation | None = None) -> None:
        await self._writing.put(Addition(run, reservation))

    async def get(self, run_id: str) -> RunRecord | None:
        row = await self._database.row(RunRow, run_id)
        return None if row is None else run_record(row)

    async def recent(
        self,
        *,
        limit: int = 50,
        state: RunState | None = None,
        user_id: str | None = None,
        before: str | None = None,
    ) -> tuple[RunRecord, ...]:
        shown = select(RunRow).order_by(RunRow.created_at.desc(), RunRow.id.desc()).limit(limit)
        if state is not None:
            shown = shown.where(RunRow.state == state)
        if user_id is not None:
            shown = shown.where(RunRow.user_id == user_id)
        if before is not None:
            last = aliased(RunRow)
            place = select(last.created_at, last.id).where(last.id == before).scalar_subquery()
            shown = shown.where(tuple_(RunRow.created_at, RunRow.id) < place)
        return tuple(run_record(row) for row in await self._database.rows(shown))

    async def append(
        self, run_id: str, events: Sequence[RunEvent], *, worker: str | None = None, end: RunEnd | None = None
    ) -> None:
        check_batch(run_id, events)
        if events or end:
            await self._writing.put(Append(run_id, tuple(events), worker, end))

    async def append_all(self, batches: Sequence[tuple[str, Sequence[RunEvent]]], *, worker: str) -> tuple[str, ...]:
        return await self._database.commit(lambda connection: append_held(connection, worker, batches))

    async def events(self, run_id: str, *, after: int = 0) -> tuple[RunEvent, ...]:
        later = (
            select(RunEventRow)
            .where(RunEventRow.run_id == run_id, RunEventRow.number > after)
            .order_by(RunEventRow.number)
        )
        return tuple(run_event(row) for row in await self._database.rows(later))

    async def set_state(
        self,
        run_id: str,
        state: RunState,
        *,
        finished_at: datetime | None = None,
        usage: Usage | None = None,
        error: str | None = None,
    ) -> None:
        values = {"state": state, "finished_at": end_time(state, finished_at), "usage": usage, "error": error}
        if state != "running":
            values |= {"worker": None, "leased_until": None}
        this = update(RunRow).where(RunRow.id == run_id).values(**values)
        if not await self._database.changed(this.returning(RunRow.id)):
            raise no_run(run_id)

    async def unfinished(self) -> tuple[RunRecord, ...]:
        waiting = select(RunRow).where(RunRow.state.in_(UNFINISHED)).order_by(RunRow.created_at, RunRow.id)
        return tuple(run_record(row) for row in await self._database.rows(waiting))

    async def unfinished_counts(self) -> dict[RunState, int]:
        open_runs = (
            select(RunRow.state, func.count().label("number")).where(RunRow.state.not_in(ENDED)).group_by(RunRow.state)
        )

        async def count(session: AsyncSession) -> dict[RunState, int]:
            return {row.state: row.number for row in await session.execute(open_runs)}

        return await self._database.read(count)

    async def prune(self, *, before: datetime) -> int:
        old = select(RunRow.id).where(RunRow.state.in_(ENDED), RunRow.finished_at < before)
        gone = delete(RunRow).where(RunRow.id.in_(old.with_for_update(skip_locked=True)))
        return await self._database.changed(gone.returning(RunRow.id))

    async def close(self) -> None:
        """Wait for what is being written."""
        await self._writing.close()

    async def _write_all(self, writes: Sequence[Addition | Append]) -> None:
        additions = [each for each in writes if isinstance(each, Addition)]
        appends = [each for each in writes if isinstance(each, Append)]

        def write(connection: Connection) -> None:
            _add(connection, [each.run for each in additions])
            spent = append(connection, appends) if appends else []
            reservations = [each.reservation for each in additions if each.reservation]
            self._ledger.post(connection, reservations, spent)

        await self._database.commit(write)


def _add(connection: Connection, runs: Sequence[RunRecord]) -> None:
    try:
        INSERTING.run(connection, [run_values(run) for run in runs])
    except IntegrityError as error:
        raise NameTaken(f"There is a run '{runs[0].id}' already.") from error
