"""The audit log, which is only added to."""

from __future__ import annotations

from sqlalchemy import func, insert, select

from jackfield.contracts.identity import AuditEntry
from jackfield_storage.engine import Database
from jackfield_storage.pages import page_of
from jackfield_storage.tables import AuditEntryRow


class SqlAuditRecords:
    """Implements `jackfield.contracts.identity_records.AuditRecords`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, entry: AuditEntry) -> None:
        values = {name: getattr(entry, name) for name in AuditEntry.__struct_fields__}
        await self._database.changed(insert(AuditEntryRow).values(**values).returning(AuditEntryRow.id))

    async def page(
        self, *, actor: str | None = None, action: str | None = None, limit: int = 50, before: str | None = None
    ) -> tuple[AuditEntry, ...]:
        chosen = select(AuditEntryRow)
        if actor is not None:
            chosen = chosen.where(AuditEntryRow.actor == actor)
        if action is not None:
            chosen = chosen.where(func.substr(AuditEntryRow.action, 1, len(action)) == action)
        newest = page_of(chosen, AuditEntryRow.id, limit=limit, before=before)
        return tuple(_entry(row) for row in await self._database.rows(newest))


def _entry(row: AuditEntryRow) -> AuditEntry:
    return AuditEntry(**{name: getattr(row, name) for name in AuditEntry.__struct_fields__})
