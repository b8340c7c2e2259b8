"""Which worker executes which run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Update, and_, or_, select, update

from jackfield.contracts.runs import RunRecord
from jackfield_storage.engine import Database
from jackfield_storage.run_rows import ENDED, UNFINISHED, no_run, run_record
from jackfield_storage.tables import RunRow


class SqlRunLeases:
    """The part of `jackfield.contracts.records.RunRecords` that is about workers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, run_id: str, worker: str, *, until: datetime) -> RunRecord | None:
        free = or_(RunRow.state == "queued", and_(RunRow.state == "running", _run_out(datetime.now(UTC))))
        claiming = (
            update(RunRow)
            .where(RunRow.id == run_id, free)
            .values(state="running", worker=worker, leased_until=until)
            .returning(*RunRow.__table__.columns)
        )

        def claim(connection: Connection) -> RunRecord | None:
            row = connection.execute(claiming).one_or_none()
            return None if row is None else run_record(row)

        return await self._database.commit(claim)

    async def renew(self, worker: str, run_ids: Sequence[str], *, until: datetime) -> tuple[str, ...]:
        held = _these(run_ids, _held_by(worker))
        return await self._changed(held.values(leased_until=until))

    async def release(self, worker: str, run_ids: Sequence[str]) -> None:
        held = _these(run_ids, _held_by(worker))
        await self._changed(held.values(state="queued", worker=None, leased_until=None))

    async def offer(self, run_ids: Sequence[str], *, until: datetime) -> tuple[str, ...]:
        free = and_(RunRow.state.in_(UNFINISHED), _run_out(datetime.now(UTC)))
        return await self._changed(_these(run_ids, free).values(state="queued", worker=None, leased_until=until))

    async def adrift(self, *, at: datetime, limit: int = 500) -> tuple[RunRecord, ...]:
        waiting = select(RunRow).where(RunRow.state.in_(UNFINISHED), _run_out(at))
        oldest = waiting.order_by(RunRow.created_at, RunRow.id).limit(limit)
        return tuple(run_record(row) for row in await self._database.rows(oldest))

    async def ask_to_stop(self, run_id: str) -> None:
        this = update(RunRow).where(RunRow.id == run_id).values(stop_asked_at=datetime.now(UTC))
        if not await self._database.changed(this.returning(RunRow.id)):
            raise no_run(run_id)

    async def asked_to_stop(self, run_ids: Sequence[str]) -> tuple[str, ...]:
        asked = select(RunRow.id).where(
            RunRow.id.in_(run_ids), RunRow.stop_asked_at.is_not(None), RunRow.state.not_in(ENDED)
        )
        return tuple(sorted(await self._database.rows(asked)))

    async def _changed(self, change: Update) -> tuple[str, ...]:
        """The runs that an UPDATE changed."""

        def apply(connection: Connection) -> tuple[str, ...]:
            return tuple(sorted(connection.scalars(change.returning(RunRow.id))))

        return await self._database.commit(apply)


def _these(run_ids: Sequence[str], condition: ColumnElement[bool]) -> Update:
    """An UPDATE of those of some runs that meet a condition, locked in the order that all writers take."""
    chosen = select(RunRow.id).where(RunRow.id.in_(run_ids), condition).order_by(RunRow.id)
    return update(RunRow).where(RunRow.id.in_(chosen.with_for_update(key_share=True)))


def _held_by(worker: str) -> ColumnElement[bool]:
    return and_(RunRow.worker == worker, RunRow.state == "running")


def _run_out(at: datetime) -> ColumnElement[bool]:
    """Whether nobody holds a run, or was offered it, at a moment."""
    return or_(RunRow.leased_until.is_(None), RunRow.leased_until < at)
