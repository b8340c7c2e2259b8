"""API keys, as their owners and admins make and revoke them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from jackfield.contracts.identity import ApiKey, Principal, Role, Scope, User
from jackfield.contracts.identity_records import KeyRecords
from jackfield.errors import InvalidRequest, KeyNotFound, NotAllowed
from jackfield.identifiers import new_identifier
from jackfield.identity.audit import Actor, AuditLog
from jackfield.identity.names import checked_name
from jackfield.identity.roles import RIGHTS_OF_ROLES, Right
from jackfield.identity.secrets import fingerprint, hint_of, new_key_secret

USUAL_SCOPES: tuple[Scope, ...] = ("inference", "read")
"""Of a key that nobody chose scopes for, as far as its owner's role allows them; see `usual_scopes`."""

_OWN_RIGHTS: dict[Scope, Right] = {"inference": "inference", "read": "read", "admin": "keys"}
"""What each scope is there for."""


class KeyWish(msgspec.Struct, frozen=True, kw_only=True):
    """What a new key is to be; see `ApiKey`."""

    name: str
    scopes: tuple[Scope, ...] = USUAL_SCOPES
    models: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    expires_at: datetime | None = None


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that was just made, with its secret, which is shown only now."""

    key: ApiKey
    secret: str


class Keys:
    """Makes and revokes keys."""

    def __init__(self, records: KeyRecords, audit: AuditLog, forget: Callable[[], None]) -> None:
        self._records = records
        self._audit = audit
        self._forget = forget

    async def get(self, key_id: str) -> ApiKey:
        """Raises KeyNotFound."""
        key = await self._records.get(key_id)
        if key is None:
            raise KeyNotFound(f"There is no key '{key_id}'.")
        return key

    async def page(
        self, *, user_id: str | None = None, limit: int = 50, before: str | None = None
    ) -> tuple[ApiKey, ...]:
        """The newest first; only a user's, where one is given."""
        return await self._records.page(user_id=user_id, limit=limit, before=before)

    async def make(self, actor: Actor, owner: User, wish: KeyWish) -> NewKey:
        """Raises InvalidRequest for what the owner's role rules out, or an expiry that is past."""
        _check(owner, wish)
        secret = new_key_secret()
        key = ApiKey(
            id=new_identifier("key"),
            user_id=owner.id,
            name=checked_name(wish.name),
            hint=hint_of(secret),
            scopes=tuple(dict.fromkeys(wish.scopes)),
            created_at=datetime.now(UTC),
            models=tuple(dict.fromkeys(wish.models)),
            requests_per_minute=wish.requests_per_minute,
            tokens_per_minute=wish.tokens_per_minute,
            expires_at=wish.expires_at,
        )
        await self._records.add(key, secret_hash=fingerprint(secret))
        await self._audit.note(
            actor, "key.make", key.id, owner=owner.id, name=key.name, hint=key.hint, scopes=list(key.scopes)
        )
        return NewKey(key=key, secret=secret)

    async def revoke(self, actor: Actor, key_id: str) -> ApiKey:
        """For good; a key that was revoked already stays as it is. Raises KeyNotFound."""
        key = await self.get(key_id)
        if key.revoked_at is not None:
            return key
        revoked = msgspec.structs.replace(key, revoked_at=datetime.now(UTC))
        await self._records.change(revoked)
        self._forget()
        await self._audit.note(actor, "key.revoke", key_id, owner=key.user_id, hint=key.hint)
        return revoked


def usual_scopes(role: Role) -> tuple[Scope, ...]:
    """What a key is for that nobody chose scopes for; a viewer's only looks."""
    return tuple(scope for scope in USUAL_SCOPES if _has_use(role, scope))


def check_maker(principal: Principal, wish: KeyWish) -> None:
    """A key makes no key that may do more than itself; raises NotAllowed."""
    if principal.account.key_id is None:
        return
    if principal.models or principal.requests_per_minute or principal.tokens_per_minute:
        raise NotAllowed("A key that is limited to some models or to a rate makes no other keys; sign in to make one.")
    if more := sorted(set(wish.scopes) - set(principal.scopes)):
        raise NotAllowed(f"A key without the scope {', '.join(more)} makes none that has it; sign in to make one.")


def _check(owner: User, wish: KeyWish) -> None:
    if not wish.scopes:
        raise InvalidRequest("A key needs a scope: inference, read or admin.", parameter="scopes")
    for scope in wish.scopes:
        if not _has_use(owner.role, scope):
            raise InvalidRequest(
                f"A {owner.role}'s key cannot have the scope '{scope}'; leave it out.", parameter="scopes"
            )
    if wish.expires_at is not None and wish.expires_at <= datetime.now(UTC):
        raise InvalidRequest("The key would have expired already; give a time to come.", parameter="expires_at")


def _has_use(role: Role, scope: Scope) -> bool:
    """Whether a role has the right that a scope is there for; a member's scope 'admin' manages their own keys."""
    return _OWN_RIGHTS[scope] in RIGHTS_OF_ROLES[role]
