"""API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from jackfield.contracts.identity import ApiKey, User
from jackfield.errors import KeyNotFound, UserNotFound
from jackfield_storage.engine import Database
from jackfield_storage.identity.users import user_of
from jackfield_storage.pages import page_of
from jackfield_storage.tables import KeyRow, UserRow

NEVER_CHANGED = ("id", "user_id", "created_at")


class SqlKeyRecords:
    """Implements `jackfield.contracts.identity_records.KeyRecords`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: ApiKey, *, secret_hash: str) -> None:
        new = insert(KeyRow).values(**_values(key), secret_hash=secret_hash)
        try:
            await self._database.changed(new.returning(KeyRow.id))
        except IntegrityError as error:
            raise UserNotFound(f"There is no user '{key.user_id}', or there is a key '{key.id}' already.") from error

    async def get(self, key_id: str) -> ApiKey | None:
        row = await self._database.row(KeyRow, key_id)
        return None if row is None else _key(row)

    async def by_hash(self, secret_hash: str) -> tuple[ApiKey, User] | None:
        owned = select(KeyRow, UserRow).join(UserRow, UserRow.id == KeyRow.user_id)

        async def fetch(session: AsyncSession) -> tuple[ApiKey, User] | None:
            found = (await session.execute(owned.where(KeyRow.secret_hash == secret_hash))).one_or_none()
            return None if found is None else (_key(found[0]), user_of(found[1]))

        return await self._database.read(fetch)

    async def change(self, key: ApiKey) -> None:
        values = {name: value for name, value in _values(key).items() if name not in NEVER_CHANGED}
        this = update(KeyRow).where(KeyRow.id == key.id).values(**values)
        if not await self._database.changed(this.returning(KeyRow.id)):
            raise KeyNotFound(f"There is no key '{key.id}'.")

    async def used(self, key_id: str, at: datetime) -> None:
        this = update(KeyRow).where(KeyRow.id == key_id).values(last_used_at=at)
        await self._database.changed(this.returning(KeyRow.id))

    async def page(
        self, *, user_id: str | None = None, limit: int = 50, before: str | None = None
    ) -> tuple[ApiKey, ...]:
        theirs = select(KeyRow) if user_id is None else select(KeyRow).where(KeyRow.user_id == user_id)
        newest = page_of(theirs, KeyRow.id, limit=limit, before=before)
        return tuple(_key(row) for row in await self._database.rows(newest))


def _values(key: ApiKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in ApiKey.__struct_fields__}


def _key(row: KeyRow) -> ApiKey:
    return ApiKey(**{name: getattr(row, name) for name in ApiKey.__struct_fields__})
