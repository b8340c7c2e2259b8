"""What is asked of a store of users, teams, keys, sessions, invitations and audit entries.

Secrets come in as hashes only. Lists are a page each: the newest first, at most `limit`, those older than `before`
(the identifier of the last one seen).
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from jackfield.contracts.identity import ApiKey, AuditEntry, Invitation, Role, Session, Team, User


class UserRecords(Protocol):
    """Users; e-mail addresses are compared without regard to case."""

    async def add(self, user: User, *, password_hash: str | None = None) -> None:
        """Raises NameTaken where the e-mail address is a user's already."""
        ...

    async def add_first(self, user: User, *, password_hash: str) -> None:
        """Add the very first user; raises Conflict where there is one, however many try at once."""
        ...

    async def get(self, user_id: str) -> User | None: ...

    async def by_email(self, email: str) -> User | None: ...

    async def password_hash(self, user_id: str) -> str | None:
        """None for those who sign in elsewhere."""
        ...

    async def set_password(self, user_id: str, password_hash: str) -> None:
        """Raises UserNotFound."""
        ...

    async def change(self, user: User) -> None:
        """Replace a user; raises UserNotFound, NameTaken, or Conflict where no active admin would be left."""
        ...

    async def remove(self, user_id: str) -> bool:
        """Delete a user with their keys and sessions; whether there was one. Raises Conflict for the last admin."""
        ...

    async def page(self, *, limit: int = 50, before: str | None = None) -> tuple[User, ...]: ...

    async def count(self) -> int: ...


class TeamRecords(Protocol):
    """Teams; names are unique."""

    async def add(self, team: Team) -> None:
        """Raises NameTaken."""
        ...

    async def get(self, team_id: str) -> Team | None: ...

    async def change(self, team: Team) -> None:
        """Raises TeamNotFound or NameTaken."""
        ...

    async def remove(self, team_id: str) -> bool:
        """Delete a team, whose users are then in none; whether there was one."""
        ...

    async def page(self, *, limit: int = 50, before: str | None = None) -> tuple[Team, ...]: ...


class KeyRecords(Protocol):
    """API keys, found by the hash of their secret."""

    async def add(self, key: ApiKey, *, secret_hash: str) -> None: ...

    async def get(self, key_id: str) -> ApiKey | None: ...

    async def by_hash(self, secret_hash: str) -> tuple[ApiKey, User] | None:
        """The key with its owner, whether or not either may be used."""
        ...

    async def change(self, key: ApiKey) -> None:
        """Replace a key; raises KeyNotFound."""
        ...

    async def used(self, key_id: str, at: datetime) -> None:
        """Note when a key was last used."""
        ...

    async def page(
        self, *, user_id: str | None = None, limit: int = 50, before: str | None = None
    ) -> tuple[ApiKey, ...]: ...


class SessionRecords(Protocol):
    """Sessions of browsers."""

    async def add(self, session: Session) -> None: ...

    async def get(self, session_id: str) -> tuple[Session, User] | None:
        """The session with its user; None once it has expired."""
        ...

    async def remove(self, session_id: str) -> bool: ...

    async def remove_all(self, user_id: str) -> int:
        """Sign a user out everywhere."""
        ...

    async def prune(self, *, before: datetime) -> int:
        """Delete those that expired before a time."""
        ...


class InvitationRecords(Protocol):
    """Invitations, found by the hash of their token."""

    async def add(self, invitation: Invitation, *, token_hash: str) -> None: ...

    async def by_hash(self, token_hash: str) -> Invitation | None: ...

    async def accept(self, invitation_id: str, user: User, *, password_hash: str | None, at: datetime) -> None:
        """Add the invited user and mark the invitation as used, in one transaction.

        Raises Conflict where it was used already, NameTaken where the address is a user's.
        """
        ...

    async def remove(self, invitation_id: str) -> bool: ...

    async def page(self, *, limit: int = 50, before: str | None = None) -> tuple[Invitation, ...]:
        """Those that were not accepted."""
        ...


class AuditRecords(Protocol):
    """The audit log, which is only added to."""

    async def add(self, entry: AuditEntry) -> None: ...

    async def page(
        self, *, actor: str | None = None, action: str | None = None, limit: int = 50, before: str | None = None
    ) -> tuple[AuditEntry, ...]:
        """Only entries of an actor, and of actions that begin so, where they are given."""
        ...


class IdentityRecords(Protocol):
    """Everything about who uses an installation."""

    @property
    def users(self) -> UserRecords: ...

    @property
    def teams(self) -> TeamRecords: ...

    @property
    def keys(self) -> KeyRecords: ...

    @property
    def sessions(self) -> SessionRecords: ...

    @property
    def invitations(self) -> InvitationRecords: ...

    @property
    def audit(self) -> AuditRecords: ...


ROLES: tuple[Role, ...] = ("admin", "member", "viewer")
