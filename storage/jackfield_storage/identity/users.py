"""Users, of whom one active admin at least is left."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from jackfield.contracts.identity import User
from jackfield.errors import Conflict, NameTaken, TeamNotFound, UserNotFound
from jackfield_storage.addresses import is_sqlite
from jackfield_storage.engine import Database
from jackfield_storage.pages import page_of
from jackfield_storage.tables import TeamRow, UserRow


class SqlUserRecords:
    """Implements `jackfield.contracts.identity_records.UserRecords`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, user: User, *, password_hash: str | None = None) -> None:
        await self._database.commit(lambda connection: add_user(connection, user, password_hash))

    async def add_first(self, user: User, *, password_hash: str) -> None:
        def add(connection: Connection) -> None:
            if not is_sqlite(self._database.url):
                connection.execute(text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"))
            if connection.scalar(select(UserRow.id).limit(1)) is not None:
                raise Conflict("There is a first user already; ask an admin for an invitation.")
            add_user(connection, user, password_hash)

        await self._database.commit(add)

    async def get(self, user_id: str) -> User | None:
        row = await self._database.row(UserRow, user_id)
        return None if row is None else user_of(row)

    async def by_email(self, email: str) -> User | None:
        found = await self._database.rows(select(UserRow).where(UserRow.address == email.casefold()))
        return user_of(found[0]) if found else None

    async def password_hash(self, user_id: str) -> str | None:
        row = await self._database.row(UserRow, user_id)
        return None if row is None else row.password_hash

    async def set_password(self, user_id: str, password_hash: str) -> None:
        this = update(UserRow).where(UserRow.id == user_id).values(password_hash=password_hash)
        if not await self._database.changed(this.returning(UserRow.id)):
            raise _no_user(user_id)

    async def change(self, user: User) -> None:
        def change(connection: Connection) -> None:
            if not (user.active and user.role == "admin"):
                _check_admin_besides(connection, user.id)
            values = {name: value for name, value in _values(user).items() if name not in ("id", "created_at")}
            this = update(UserRow).where(UserRow.id == user.id).values(**values).returning(UserRow.id)
            if _written(connection, user, this) is None:
                raise _no_user(user.id)

        await self._database.commit(change)

    async def remove(self, user_id: str) -> bool:
        def remove(connection: Connection) -> bool:
            _check_admin_besides(connection, user_id)
            this = delete(UserRow).where(UserRow.id == user_id).returning(UserRow.id)
            return connection.scalar(this) is not None

        return await self._database.commit(remove)

    async def page(self, *, limit: int = 50, before: str | None = None) -> tuple[User, ...]:
        newest = page_of(select(UserRow), UserRow.id, limit=limit, before=before)
        return tuple(user_of(row) for row in await self._database.rows(newest))

    async def count(self) -> int:
        (count,) = await self._database.rows(select(func.count()).select_from(UserRow))
        return count


def add_user(connection: Connection, user: User, password_hash: str | None) -> None:
    """Raises NameTaken or TeamNotFound, whereupon the transaction is to be given up."""
    _written(connection, user, insert(UserRow).values(**_values(user), password_hash=password_hash))


def _written(connection: Connection, user: User, change: Any) -> Any:
    """What a statement returns that writes a user's columns."""
    if user.team_id is not None:
        team = select(TeamRow.id).where(TeamRow.id == user.team_id).with_for_update(read=True, key_share=True)
        if connection.scalar(team) is None:
            raise TeamNotFound(f"There is no team '{user.team_id}'.", parameter="team_id")
    try:
        result = connection.execute(change)
    except IntegrityError as error:
        raise NameTaken(f"There is a user with the address '{user.email}' already.", parameter="email") from error
    return result.scalar_one_or_none() if result.returns_rows else None


def user_of(row: UserRow) -> User:
    """A row as the user that it holds."""
    return User(
        id=row.id,
        email=row.email,
        name=row.name,
        role=row.role,
        created_at=row.created_at,
        team_id=row.team_id,
        active=row.active,
    )


def _values(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "address": user.email.casefold(),
        "name": user.name,
        "role": user.role,
        "created_at": user.created_at,
        "team_id": user.team_id,
        "active": user.active,
    }


def _check_admin_besides(connection: Connection, user_id: str) -> None:
    """Raises Conflict for the last active admin; all of them are locked, so that two cannot leave at once."""
    admins = select(UserRow.id).where(UserRow.role == "admin", UserRow.active).order_by(UserRow.id)
    if list(connection.scalars(admins.with_for_update())) == [user_id]:
        raise Conflict("No active admin would be left; make somebody else an admin first.")


def _no_user(user_id: str) -> UserNotFound:
    return UserNotFound(f"There is no user '{user_id}'.")
