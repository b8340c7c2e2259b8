"""Invitations, which let somebody choose a password and become a user."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from jackfield.contracts.identity import Invitation, Role, User
from jackfield.contracts.identity_records import IdentityRecords
from jackfield.errors import NameTaken, NotFound
from jackfield.identifiers import new_identifier
from jackfield.identity.audit import Actor, AuditLog
from jackfield.identity.names import checked_email
from jackfield.identity.passwords import Passwords
from jackfield.identity.secrets import fingerprint, new_token
from jackfield.identity.throttle import Throttle
from jackfield.identity.users import Users, new_user


class NewInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation that was just made, with its token, which is shown only now."""

    invitation: Invitation
    token: str


class Invitations:
    """Makes, takes back and accepts invitations, which hold for `hours`."""

    def __init__(
        self, records: IdentityRecords, users: Users, passwords: Passwords, audit: AuditLog, *, hours: int
    ) -> None:
        self._records = records
        self._users = users
        self._passwords = passwords
        self._audit = audit
        self._holding = timedelta(hours=hours)
        self._attempts = Throttle(most=50, seconds=900.0)

    async def page(self, *, limit: int = 50, before: str | None = None) -> tuple[Invitation, ...]:
        """Those that were not accepted, the newest first."""
        return await self._records.invitations.page(limit=limit, before=before)

    async def make(self, actor: Actor, *, email: str, role: Role, team_id: str | None = None) -> NewInvitation:
        """Raises InvalidRequest, TeamNotFound, or NameTaken where the address is a user's."""
        address, now, token = checked_email(email), datetime.now(UTC), new_token()
        if await self._records.users.by_email(address):
            raise NameTaken(f"There is a user with the e-mail address '{address}' already.", parameter="email")
        await self._users.check_team(team_id)
        invitation = Invitation(
            id=new_identifier("invitation"),
            email=address,
            role=role,
            invited_by=actor.id,
            created_at=now,
            expires_at=now + self._holding,
            team_id=team_id,
        )
        await self._records.invitations.add(invitation, token_hash=fingerprint(token))
        await self._audit.note(actor, "invitation.make", invitation.id, email=address, role=role, team_id=team_id)
        return NewInvitation(invitation=invitation, token=token)

    async def accept(self, token: str, *, name: str, password: str, address: str) -> User:
        """Become a user; raises NotFound, InvalidRequest, RateLimited, Conflict where it was used, or NameTaken."""
        self._attempts.attempt(address)
        invitation = await self._records.invitations.by_hash(fingerprint(token))
        now = datetime.now(UTC)
        if invitation is None or invitation.expires_at <= now:
            raise NotFound("There is no such invitation, or it holds no longer; ask for a new one.", parameter="token")
        user = new_user(invitation.email, name, invitation.role, await self._team_left(invitation))
        password_hash = await self._passwords.hashed(password)
        await self._records.invitations.accept(invitation.id, user, password_hash=password_hash, at=now)
        await self._audit.note(
            Actor(id=user.id, address=address), "invitation.accept", invitation.id, user=user.id, email=user.email
        )
        return user

    async def remove(self, actor: Actor, invitation_id: str) -> None:
        """Take an invitation back; raises NotFound."""
        if not await self._records.invitations.remove(invitation_id):
            raise NotFound(f"There is no invitation '{invitation_id}'.")
        await self._audit.note(actor, "invitation.remove", invitation_id)

    async def _team_left(self, invitation: Invitation) -> str | None:
        """The team it names, unless that was removed since."""
        if invitation.team_id and await self._records.teams.get(invitation.team_id):
            return invitation.team_id
        return None
