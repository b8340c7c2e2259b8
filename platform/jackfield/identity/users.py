"""Users, as they are administered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from jackfield.contracts.identity import Role, User
from jackfield.contracts.identity_records import IdentityRecords
from jackfield.errors import NotAuthenticated, TeamNotFound, UserNotFound
from jackfield.identifiers import new_identifier
from jackfield.identity.audit import Actor, AuditLog
from jackfield.identity.names import checked_email, checked_name
from jackfield.identity.passwords import Passwords
from jackfield.identity.throttle import Throttle


class UserChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different of a user; UNSET leaves it. A `team_id` of None takes them out of their team."""

    email: str | msgspec.UnsetType = msgspec.UNSET
    name: str | msgspec.UnsetType = msgspec.UNSET
    role: Role | msgspec.UnsetType = msgspec.UNSET
    active: bool | msgspec.UnsetType = msgspec.UNSET
    team_id: str | msgspec.UnsetType | None = msgspec.UNSET

    def told(self) -> dict[str, object]:
        """Only what changes."""
        fields = msgspec.structs.asdict(self)
        return {name: value for name, value in fields.items() if value is not msgspec.UNSET}


def new_user(email: str, name: str, role: Role, team_id: str | None = None) -> User:
    """A user who is not on record yet; raises InvalidRequest."""
    return User(
        id=new_identifier("user"),
        email=checked_email(email),
        name=checked_name(name),
        role=role,
        created_at=datetime.now(UTC),
        team_id=team_id,
    )


class Users:
    """Adds, changes and removes users; the store sees to it that an active admin is always left."""

    def __init__(
        self, records: IdentityRecords, passwords: Passwords, audit: AuditLog, forget: Callable[[], None]
    ) -> None:
        self._records = records
        self._passwords = passwords
        self._audit = audit
        self._forget = forget
        self._guesses = Throttle(most=10, seconds=900.0)

    async def get(self, user_id: str) -> User:
        """Raises UserNotFound."""
        user = await self._records.users.get(user_id)
        if user is None:
            raise UserNotFound(f"There is no user '{user_id}'.")
        return user

    async def named(self, name: str) -> User:
        """By identifier or e-mail address; raises UserNotFound."""
        if "@" not in name:
            return await self.get(name)
        user = await self._records.users.by_email(name)
        if user is None:
            raise UserNotFound(f"There is no user with the e-mail address '{name}'.")
        return user

    async def page(self, *, limit: int = 50, before: str | None = None) -> tuple[User, ...]:
        """The newest first."""
        return await self._records.users.page(limit=limit, before=before)

    async def add(
        self, actor: Actor, *, email: str, name: str, role: Role, team_id: str | None = None, password: str | None
    ) -> User:
        """Without a password they can only sign in elsewhere. Raises InvalidRequest, NameTaken or TeamNotFound."""
        user = new_user(email, name, role, team_id)
        await self.check_team(team_id)
        password_hash = None if password is None else await self._passwords.hashed(password)
        await self._records.users.add(user, password_hash=password_hash)
        await self._audit.note(actor, "user.add", user.id, email=user.email, role=role, team_id=team_id)
        return user

    async def change(self, actor: Actor, user_id: str, change: UserChange) -> User:
        """Raises UserNotFound, InvalidRequest, NameTaken, TeamNotFound, or Conflict for the last active admin."""
        told = change.told()
        if isinstance(change.email, str):
            told["email"] = checked_email(change.email)
        if isinstance(change.name, str):
            told["name"] = checked_name(change.name)
        if isinstance(change.team_id, str):
            await self.check_team(change.team_id)
        user = msgspec.structs.replace(await self.get(user_id), **told)
        await self._records.users.change(user)
        if not user.active:
            await self._records.sessions.remove_all(user_id)
        self._forget()
        await self._audit.note(actor, "user.change", user_id, **told)
        return user

    async def remove(self, actor: Actor, user_id: str) -> None:
        """With their keys and sessions; raises UserNotFound, or Conflict for the last active admin."""
        user = await self.get(user_id)
        await self._records.users.remove(user_id)
        self._forget()
        await self._audit.note(actor, "user.remove", user_id, email=user.email)

    async def set_password(self, actor: Actor, user_id: str, password: str) -> None:
        """It also signs them out everywhere. Raises UserNotFound or InvalidRequest."""
        await self.get(user_id)
        await self._records.users.set_password(user_id, await self._passwords.hashed(password))
        await self._end_sessions(user_id)
        await self._audit.note(actor, "user.password", user_id)

    async def change_password(self, actor: Actor, user: User, *, current: str, new: str) -> None:
        """One's own; raises NotAuthenticated where the current one is wrong, or RateLimited."""
        self._guesses.attempt(user.id)
        checked = await self._passwords.check(await self._records.users.password_hash(user.id), current)
        if not checked.right:
            raise NotAuthenticated("The current password is not this.")
        self._guesses.forget(user.id)
        await self.set_password(actor, user.id, new)

    async def sign_out_everywhere(self, actor: Actor, user_id: str) -> None:
        """End all of a user's sessions; raises UserNotFound."""
        await self.get(user_id)
        await self._end_sessions(user_id)
        await self._audit.note(actor, "user.sign_out", user_id)

    async def check_team(self, team_id: str | None) -> None:
        """Raises TeamNotFound for a team that does not exist."""
        if team_id is not None and await self._records.teams.get(team_id) is None:
            raise TeamNotFound(f"There is no team '{team_id}'.", parameter="team_id")

    async def _end_sessions(self, user_id: str) -> None:
        await self._records.sessions.remove_all(user_id)
        self._forget()
