"""The bodies of management requests."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from jackfield.contracts.identity import Role, Scope
from jackfield.identity.keys import KeyWish, usual_scopes
from jackfield.identity.names import LONGEST_EMAIL, LONGEST_NAME
from jackfield.identity.passwords import LONGEST, SHORTEST
from jackfield.identity.users import UserChange

Email = Annotated[str, Meta(max_length=LONGEST_EMAIL)]
Name = Annotated[str, Meta(max_length=LONGEST_NAME)]
NewPassword = Annotated[str, Meta(min_length=SHORTEST, max_length=LONGEST)]
Password = Annotated[str, Meta(max_length=LONGEST)]
Token = Annotated[str, Meta(max_length=256)]
Rate = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A JSON object that holds nothing but what it names."""


class FirstAdmin(Body, frozen=True, kw_only=True):
    """The set-up token, and who is to be the first admin."""

    token: Token
    email: Email
    name: Name
    password: NewPassword


class Credentials(Body, frozen=True, kw_only=True):
    """What somebody signs in with."""

    email: Email
    password: Password


class PasswordChange(Body, frozen=True, kw_only=True):
    """One's own password, and the one to come."""

    current: Password
    new: NewPassword


class PasswordSet(Body, frozen=True, kw_only=True):
    """Somebody's new password."""

    password: NewPassword


class UserAddition(Body, frozen=True, kw_only=True):
    """A user to add; without a password they can only sign in through the provider of OIDC."""

    email: Email
    name: Name
    role: Role = "member"
    team_id: str | None = None
    password: NewPassword | None = None


class UserPatch(UserChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different; what is left out stays. A `team_id` of null takes them out of their team."""


class TeamName(Body, frozen=True, kw_only=True):
    """A team's name."""

    name: Name


class InvitationWish(Body, frozen=True, kw_only=True):
    """Whom to invite, and as what."""

    email: Email
    role: Role = "member"
    team_id: str | None = None


class Acceptance(Body, frozen=True, kw_only=True):
    """An invitation's token, and who becomes a user by it."""

    token: Token
    name: Name
    password: NewPassword


class KeyAddition(Body, frozen=True, kw_only=True):
    """A key to make; for another user where an admin says so. No models are all; no rate is no limit.

    Without scopes it is for what keys of its owner's role usually are: inference and read, and a viewer's for read.
    """

    name: Name
    scopes: tuple[Scope, ...] | None = None
    models: tuple[Annotated[str, Meta(max_length=256)], ...] = ()
    requests_per_minute: Rate | None = None
    tokens_per_minute: Rate | None = None
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None
    user_id: str | None = None

    def wish(self, role: Role) -> KeyWish:
        """The same as the platform has it, for an owner of this role."""
        return KeyWish(
            name=self.name,
            scopes=usual_scopes(role) if self.scopes is None else self.scopes,
            models=self.models,
            requests_per_minute=self.requests_per_minute,
            tokens_per_minute=self.tokens_per_minute,
            expires_at=self.expires_at,
        )
