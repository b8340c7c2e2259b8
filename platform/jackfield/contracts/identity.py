"""Who uses an installation, and what they hold: users, teams, keys, sessions, invitations, the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Role = Literal["admin", "member", "viewer"]
"""An admin manages everything; a member asks models and manages what is their own; a viewer only looks."""

Scope = Literal["inference", "read", "admin"]
"""What a key may do: ask models, look at what is on record, administer; never more than its owner's role."""

HolderKind = Literal["key", "user", "team"]


class Holder(msgspec.Struct, frozen=True, order=True):
    """Somebody with a budget: a key, a user or a team, by identifier."""

    kind: HolderKind
    id: str


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """Users who share budgets."""

    id: str
    name: str
    created_at: datetime


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person; one who is not `active` can neither sign in nor use their keys."""

    id: str
    email: str
    name: str
    role: Role
    created_at: datetime
    team_id: str | None = None
    active: bool = True


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever has its token may become a user with a role; the token itself is never stored, only its hash."""

    id: str
    email: str
    role: Role
    invited_by: str
    created_at: datetime
    expires_at: datetime
    team_id: str | None = None
    accepted_at: datetime | None = None


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that programs use; its secret is shown once and stored as a hash, `hint` is its beginning.

    Empty `models` are all models. Rates are for any 60 seconds, None is no limit.
    """

    id: str
    user_id: str
    name: str
    hint: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    models: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that is signed in; `id` is the hash of its cookie, `csrf` what its changes must show."""

    id: str
    user_id: str
    csrf: str
    created_at: datetime
    expires_at: datetime


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An administrative act: who did what to whom. `detail` holds no secrets."""

    id: str
    at: datetime
    actor: str
    action: str
    target: str
    detail: dict[str, Any] = {}
    address: str = ""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """On whose behalf a run is done, and who pays for it."""

    user_id: str
    team_id: str | None = None
    key_id: str | None = None

    @property
    def holders(self) -> tuple[Holder, ...]:
        """Everyone whose budget it touches, in a fixed order, so that transactions take locks in one order."""
        held = [Holder("key", self.key_id) if self.key_id else None, Holder("user", self.user_id)]
        held.append(Holder("team", self.team_id) if self.team_id else None)
        return tuple(sorted(holder for holder in held if holder))

    @property
    def client(self) -> str:
        """Whom the scheduler serves evenly and whose rates are counted: the key, or the user where there is none."""
        return self.key_id or self.user_id


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who was recognised, and what they may do now; `session` where they came with a browser's cookie."""

    account: Account
    name: str
    role: Role
    scopes: tuple[Scope, ...]
    models: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    session: Session | None = None

    @property
    def client(self) -> str:
        """The account's."""
        return self.account.client
