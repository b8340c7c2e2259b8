"""Users, teams, keys, sessions, invitations and the audit log in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from msgspec.structs import replace

from jackfield.contracts.identity import ApiKey, AuditEntry, Invitation, Session, Team, User
from jackfield.errors import Conflict, KeyNotFound, NameTaken, TeamNotFound, UserNotFound


class Identified(Protocol):
    """A record that pages are made of."""

    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Identified)


def page_of(records: Iterable[T], *, limit: int, before: str | None) -> tuple[T, ...]:
    """The newest, or those older than one; identifiers sort by the time they were made."""
    older = [record for record in records if before is None or record.id < before]
    return tuple(sorted(older, key=lambda record: record.id, reverse=True)[:limit])


class InMemoryTeams:
    """Teams; `members` are the users, who lose a team that is removed."""

    def __init__(self, members: dict[str, User], invited: dict[str, Invitation]) -> None:
        self.kept: dict[str, Team] = {}
        self._members = members
        self._invited = invited

    async def add(self, team: Team) -> None:
        """Raises NameTaken."""
        self._check_name(team)
        self.kept[team.id] = replace(team, created_at=team.created_at.astimezone(UTC))

    async def get(self, team_id: str) -> Team | None:
        """By identifier."""
        return self.kept.get(team_id)

    async def change(self, team: Team) -> None:
        """Raises TeamNotFound or NameTaken."""
        if team.id not in self.kept:
            raise TeamNotFound(f"There is no team '{team.id}'.")
        self._check_name(team)
        self.kept[team.id] = replace(self.kept[team.id], name=team.name)

    async def remove(self, team_id: str) -> bool:
        """Whether there was one."""
        for user in [user for user in self._members.values() if user.team_id == team_id]:
            self._members[user.id] = replace(user, team_id=None)
        for invitation in [each for each in self._invited.values() if each.team_id == team_id]:
            self._invited[invitation.id] = replace(invitation, team_id=None)
        return self.kept.pop(team_id, None) is not None

    async def page(self, *, limit: int = 50, before: str | None = None) -> tuple[Team, ...]:
        """Newest first."""
        return page_of(self.kept.values(), limit=limit, before=before)

    def _check_name(self, team: Team) -> None:
        if any(other.name == team.name and other.id != team.id for other in self.kept.values()):
            raise NameTaken(f"There is a team '{team.name}' already; choose another name.", parameter="name")


class InMemoryKeys:
    """API keys and the hashes of their secrets."""

    def __init__(self, owners: Mapping[str, User]) -> None:
        self.kept: dict[str, ApiKey] = {}
        self._hashes: dict[str, str] = {}
        self._owners = owners

    async def add(self, key: ApiKey, *, secret_hash: str) -> None:
        """Raises UserNotFound."""
        if key.user_id not in self._owners or key.id in self.kept or secret_hash in self._hashes:
            raise UserNotFound(f"There is no user '{key.user_id}', or there is a key '{key.id}' already.")
        self.kept[key.id] = key
        self._hashes[secret_hash] = key.id

    async def get(self, key_id: str) -> ApiKey | None:
        """By identifier."""
        return self.kept.get(key_id)

    async def by_hash(self, secret_hash: str) -> tuple[ApiKey, User] | None:
        """With its owner."""
        key = self.kept.get(self._hashes.get(secret_hash, ""))
        return None if key is None else (key, self._owners[key.user_id])

    async def change(self, key: ApiKey) -> None:
        """Raises KeyNotFound."""
        before = self.kept.get(key.id)
        if before is None:
            raise KeyNotFound(f"There is no key '{key.id}'.")
        self.kept[key.id] = replace(key, user_id=before.user_id, created_at=before.created_at)

    async def used(self, key_id: str, at: datetime) -> None:
        """Note the time."""
        if key_id in self.kept:
            self.kept[key_id] = replace(self.kept[key_id], last_used_at=at)

    async def page(
        self, *, user_id: str | None = None, limit: int = 50, before: str | None = None
    ) -> tuple[ApiKey, ...]:
        """Newest first."""
        chosen = [key for key in self.kept.values() if user_id in (None, key.user_id)]
        return page_of(chosen, limit=limit, before=before)


class InMemorySessions:
    """Sessions of browsers."""

    def __init__(self, users: Mapping[str, User]) -> None:
        self.kept: dict[str, Session] = {}
        self._users = users

    async def add(self, session: Session) -> None:
        """Raises UserNotFound."""
        if session.user_id not in self._users:
            raise UserNotFound(f"There is no user '{session.user_id}'.")
        self.kept[session.id] = session

    async def get(self, session_id: str) -> tuple[Session, User] | None:
        """With its user, until it has expired."""
        session = self.kept.get(session_id)
        if session is None or session.expires_at <= datetime.now(UTC):
            return None
        return session, self._users[session.user_id]

    async def remove(self, session_id: str) -> bool:
        """Whether there was one."""
        return self.kept.pop(session_id, None) is not None

    async def remove_all(self, user_id: str) -> int:
        """How many there were."""
        return self._drop([each.id for each in self.kept.values() if each.user_id == user_id])

    async def prune(self, *, before: datetime) -> int:
        """How many had expired."""
        return self._drop([each.id for each in self.kept.values() if each.expires_at < before])

    def _drop(self, session_ids: list[str]) -> int:
        for session_id in session_ids:
            del self.kept[session_id]
        return len(session_ids)


class InMemoryUsers:
    """Users and the hashes of their passwords."""

    def __init__(self, teams: InMemoryTeams, keys: InMemoryKeys, sessions: InMemorySessions, kept: dict[str, User]):
        self._kept = kept
        self._teams = teams
        self._keys = keys
        self._sessions = sessions
        self._passwords: dict[str, str | None] = {}

    async def add(self, user: User, *, password_hash: str | None = None) -> None:
        """Raises NameTaken or TeamNotFound."""
        self._check(user)
        self._kept[user.id] = replace(user, created_at=user.created_at.astimezone(UTC))
        self._passwords[user.id] = password_hash

    async def add_first(self, user: User, *, password_hash: str) -> None:
        """Raises Conflict."""
        if self._kept:
            raise Conflict("There is a first user already; ask an admin for an invitation.")
        await self.add(user, password_hash=password_hash)

    async def get(self, user_id: str) -> User | None:
        """By identifier."""
        return self._kept.get(user_id)

    async def by_email(self, email: str) -> User | None:
        """Without regard to case."""
        return next((user for user in self._kept.values() if user.email.casefold() == email.casefold()), None)

    async def password_hash(self, user_id: str) -> str | None:
        """None for those who sign in elsewhere."""
        return self._passwords.get(user_id)

    async def set_password(self, user_id: str, password_hash: str) -> None:
        """Raises UserNotFound."""
        self._passwords[self._known(user_id).id] = password_hash

    async def change(self, user: User) -> None:
        """Raises UserNotFound, NameTaken, TeamNotFound or Conflict."""
        if not (user.active and user.role == "admin"):
            self._check_admin_besides(user.id)
        before = self._known(user.id)
        self._check(user)
        self._kept[user.id] = replace(user, created_at=before.created_at)

    async def remove(self, user_id: str) -> bool:
        """Whether there was one; raises Conflict."""
        self._check_admin_besides(user_id)
        if self._kept.pop(user_id, None) is None:
            return False
        self._passwords.pop(user_id)
        for key in [key for key in self._keys.kept.values() if key.user_id == user_id]:
            del self._keys.kept[key.id]
        await self._sessions.remove_all(user_id)
        return True

    async def page(self, *, limit: int = 50, before: str | None = None) -> tuple[User, ...]:
        """Newest first."""
        return page_of(self._kept.values(), limit=limit, before=before)

    async def count(self) -> int:
        """All of them."""
        return len(self._kept)

    def _check(self, user: User) -> None:
        if user.team_id is not None and user.team_id not in self._teams.kept:
            raise TeamNotFound(f"There is no team '{user.team_id}'.", parameter="team_id")
        address = user.email.casefold()
        if any(other.email.casefold() == address and other.id != user.id for other in self._kept.values()):
            raise NameTaken(f"There is a user with the address '{user.email}' already.", parameter="email")

    def _check_admin_besides(self, user_id: str) -> None:
        admins = [user.id for user in self._kept.values() if user.role == "admin" and user.active]
        if admins == [user_id]:
            raise Conflict("No active admin would be left; make somebody else an admin first.")

    def _known(self, user_id: str) -> User:
        if user_id not in self._kept:
            raise UserNotFound(f"There is no user '{user_id}'.")
        return self._kept[user_id]


class InMemoryInvitations:
    """Invitations and the hashes of their tokens."""

    def __init__(self, users: InMemoryUsers, teams: InMemoryTeams, kept: dict[str, Invitation]) -> None:
        self._kept = kept
        self._teams = teams
        self._hashes: dict[str, str] = {}
        self._users = users

    async def add(self, invitation: Invitation, *, token_hash: str) -> None:
        """Raises TeamNotFound."""
        if invitation.team_id is not None and invitation.team_id not in self._teams.kept:
            raise TeamNotFound(f"There is no team '{invitation.team_id}'.", parameter="team_id")
        self._kept[invitation.id] = invitation
        self._hashes[token_hash] = invitation.id

    async def by_hash(self, token_hash: str) -> Invitation | None:
        """Whether or not it was accepted."""
        return self._kept.get(self._hashes.get(token_hash, ""))

    async def accept(self, invitation_id: str, user: User, *, password_hash: str | None, at: datetime) -> None:
        """Raises Conflict, NameTaken or TeamNotFound."""
        invitation = self._kept.get(invitation_id)
        if invitation is None or invitation.accepted_at is not None:
            raise Conflict("The invitation was used already or has been withdrawn; ask an admin for another.")
        await self._users.add(user, password_hash=password_hash)
        self._kept[invitation_id] = replace(invitation, accepted_at=at)

    async def remove(self, invitation_id: str) -> bool:
        """Whether there was one."""
        return self._kept.pop(invitation_id, None) is not None

    async def page(self, *, limit: int = 50, before: str | None = None) -> tuple[Invitation, ...]:
        """Those that were not accepted, newest first."""
        unused = [each for each in self._kept.values() if each.accepted_at is None]
        return page_of(unused, limit=limit, before=before)


class InMemoryAudit:
    """The audit log."""

    def __init__(self) -> None:
        self._entries: list[AuditEntry] = []

    async def add(self, entry: AuditEntry) -> None:
        """At the end."""
        self._entries.append(entry)

    async def page(
        self, *, actor: str | None = None, action: str | None = None, limit: int = 50, before: str | None = None
    ) -> tuple[AuditEntry, ...]:
        """Newest first."""
        chosen = [
            entry
            for entry in self._entries
            if actor in (None, entry.actor) and (action is None or entry.action.startswith(action))
        ]
        return page_of(chosen, limit=limit, before=before)


class InMemoryIdentity:
    """Everything about who uses an installation."""

    def __init__(self) -> None:
        users: dict[str, User] = {}
        invited: dict[str, Invitation] = {}
        self.teams = InMemoryTeams(users, invited)
        self.keys = InMemoryKeys(users)
        self.sessions = InMemorySessions(users)
        self.users = InMemoryUsers(self.teams, self.keys, self.sessions, users)
        self.invitations = InMemoryInvitations(self.users, self.teams, invited)
        self.audit = InMemoryAudit()
