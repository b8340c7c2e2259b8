"""Teams, as they are administered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from jackfield.contracts.identity import Team
from jackfield.contracts.identity_records import TeamRecords
from jackfield.errors import TeamNotFound
from jackfield.identifiers import new_identifier
from jackfield.identity.audit import Actor, AuditLog
from jackfield.identity.names import checked_name

PAGE = 500


class Teams:
    """Adds, renames and removes teams."""

    def __init__(self, records: TeamRecords, audit: AuditLog, forget: Callable[[], None]) -> None:
        self._records = records
        self._audit = audit
        self._forget = forget

    async def get(self, team_id: str) -> Team:
        """Raises TeamNotFound."""
        team = await self._records.get(team_id)
        if team is None:
            raise TeamNotFound(f"There is no team '{team_id}'.")
        return team

    async def named(self, name: str) -> Team:
        """By identifier or name; raises TeamNotFound."""
        before: str | None = None
        while teams := await self._records.page(limit=PAGE, before=before):
            for team in teams:
                if name in (team.id, team.name):
                    return team
            before = teams[-1].id
        raise TeamNotFound(f"There is no team '{name}'.")

    async def page(self, *, limit: int = 50, before: str | None = None) -> tuple[Team, ...]:
        """The newest first."""
        return await self._records.page(limit=limit, before=before)

    async def add(self, actor: Actor, name: str) -> Team:
        """Raises InvalidRequest or NameTaken."""
        team = Team(id=new_identifier("team"), name=checked_name(name), created_at=datetime.now(UTC))
        await self._records.add(team)
        await self._audit.note(actor, "team.add", team.id, name=team.name)
        return team

    async def rename(self, actor: Actor, team_id: str, name: str) -> Team:
        """Raises TeamNotFound, InvalidRequest or NameTaken."""
        team = msgspec.structs.replace(await self.get(team_id), name=checked_name(name))
        await self._records.change(team)
        await self._audit.note(actor, "team.rename", team_id, name=team.name)
        return team

    async def remove(self, actor: Actor, team_id: str) -> None:
        """Its users stay, and are then in none; raises TeamNotFound."""
        team = await self.get(team_id)
        await self._records.remove(team_id)
        self._forget()
        await self._audit.note(actor, "team.remove", team_id, name=team.name)
