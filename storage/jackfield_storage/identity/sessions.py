"""Sessions of browsers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from jackfield.contracts.identity import Session, User
from jackfield.errors import UserNotFound
from jackfield_storage.engine import Database
from jackfield_storage.identity.users import user_of
from jackfield_storage.tables import SessionRow, UserRow


class SqlSessionRecords:
    """Implements `jackfield.contracts.identity_records.SessionRecords`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session) -> None:
        new = insert(SessionRow).values(**{name: getattr(session, name) for name in Session.__struct_fields__})
        try:
            await self._database.changed(new.returning(SessionRow.id))
        except IntegrityError as error:
            raise UserNotFound(f"There is no user '{session.user_id}'.") from error

    async def get(self, session_id: str) -> tuple[Session, User] | None:
        owned = select(SessionRow, UserRow).join(UserRow, UserRow.id == SessionRow.user_id)
        valid = owned.where(SessionRow.id == session_id, SessionRow.expires_at > datetime.now(UTC))

        async def fetch(session: AsyncSession) -> tuple[Session, User] | None:
            found = (await session.execute(valid)).one_or_none()
            return None if found is None else (_session(found[0]), user_of(found[1]))

        return await self._database.read(fetch)

    async def remove(self, session_id: str) -> bool:
        return await self._removed(SessionRow.id == session_id) > 0

    async def remove_all(self, user_id: str) -> int:
        return await self._removed(SessionRow.user_id == user_id)

    async def prune(self, *, before: datetime) -> int:
        return await self._removed(SessionRow.expires_at < before)

    async def _removed(self, which: Any) -> int:
        return await self._database.changed(delete(SessionRow).where(which).returning(SessionRow.id))


def _session(row: SessionRow) -> Session:
    return Session(**{name: getattr(row, name) for name in Session.__struct_fields__})
