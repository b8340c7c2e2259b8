"""Invitations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from jackfield.contracts.identity import Invitation, User
from jackfield.errors import Conflict, TeamNotFound
from jackfield_storage.engine import Database
from jackfield_storage.identity.users import add_user
from jackfield_storage.pages import page_of
from jackfield_storage.tables import InvitationRow


class SqlInvitationRecords:
    """Implements `jackfield.contracts.identity_records.InvitationRecords`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, invitation: Invitation, *, token_hash: str) -> None:
        values = {name: getattr(invitation, name) for name in Invitation.__struct_fields__}
        new = insert(InvitationRow).values(**values, token_hash=token_hash)
        try:
            await self._database.changed(new.returning(InvitationRow.id))
        except IntegrityError as error:
            raise TeamNotFound(f"There is no team '{invitation.team_id}'.", parameter="team_id") from error

    async def by_hash(self, token_hash: str) -> Invitation | None:
        found = await self._database.rows(select(InvitationRow).where(InvitationRow.token_hash == token_hash))
        return _invitation(found[0]) if found else None

    async def accept(self, invitation_id: str, user: User, *, password_hash: str | None, at: datetime) -> None:
        unused = update(InvitationRow).where(InvitationRow.id == invitation_id, InvitationRow.accepted_at.is_(None))

        def accept(connection: Connection) -> None:
            if connection.scalar(unused.values(accepted_at=at).returning(InvitationRow.id)) is None:
                raise Conflict("The invitation was used already or has been withdrawn; ask an admin for another.")
            add_user(connection, user, password_hash)

        await self._database.commit(accept)

    async def remove(self, invitation_id: str) -> bool:
        this = delete(InvitationRow).where(InvitationRow.id == invitation_id)
        return await self._database.changed(this.returning(InvitationRow.id)) > 0

    async def page(self, *, limit: int = 50, before: str | None = None) -> tuple[Invitation, ...]:
        unused = select(InvitationRow).where(InvitationRow.accepted_at.is_(None))
        newest = page_of(unused, InvitationRow.id, limit=limit, before=before)
        return tuple(_invitation(row) for row in await self._database.rows(newest))


def _invitation(row: InvitationRow) -> Invitation:
    return Invitation(**{name: getattr(row, name) for name in Invitation.__struct_fields__})
