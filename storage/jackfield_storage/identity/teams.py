"""Teams."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from jackfield.contracts.identity import Team
from jackfield.errors import NameTaken, TeamNotFound
from jackfield_storage.engine import Database
from jackfield_storage.pages import page_of
from jackfield_storage.tables import TeamRow


class SqlTeamRecords:
    """Implements `jackfield.contracts.identity_records.TeamRecords`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, team: Team) -> None:
        new = insert(TeamRow).values(id=team.id, name=team.name, created_at=team.created_at)
        try:
            await self._database.changed(new.returning(TeamRow.id))
        except IntegrityError as error:
            raise _taken(team) from error

    async def get(self, team_id: str) -> Team | None:
        row = await self._database.row(TeamRow, team_id)
        return None if row is None else _team(row)

    async def change(self, team: Team) -> None:
        this = update(TeamRow).where(TeamRow.id == team.id).values(name=team.name)
        try:
            found = await self._database.changed(this.returning(TeamRow.id))
        except IntegrityError as error:
            raise _taken(team) from error
        if not found:
            raise TeamNotFound(f"There is no team '{team.id}'.")

    async def remove(self, team_id: str) -> bool:
        this = delete(TeamRow).where(TeamRow.id == team_id)
        return await self._database.changed(this.returning(TeamRow.id)) > 0

    async def page(self, *, limit: int = 50, before: str | None = None) -> tuple[Team, ...]:
        newest = page_of(select(TeamRow), TeamRow.id, limit=limit, before=before)
        return tuple(_team(row) for row in await self._database.rows(newest))


def _team(row: TeamRow) -> Team:
    return Team(id=row.id, name=row.name, created_at=row.created_at)


def _taken(team: Team) -> NameTaken:
    return NameTaken(f"There is a team '{team.name}' already; choose another name.", parameter="name")
