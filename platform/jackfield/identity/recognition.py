"""Who a key or a cookie belongs to. It is on the path of every request, so what was found holds for two seconds."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from jackfield.contracts.identity import Account, ApiKey, Principal, Session, User
from jackfield.contracts.identity_records import IdentityRecords
from jackfield.errors import NotAuthenticated
from jackfield.identity.roles import SCOPES
from jackfield.identity.secrets import PREFIX, fingerprint, is_key_secret
from jackfield.shared_lookups import SharedLookups

KEPT_SECONDS = 2.0
KEPT = 10_000
NOTED_SECONDS = 60.0

NO_SESSION = "You are not signed in, or no longer; sign in again."
BAD_KEY = f"This API key is unknown, was revoked or has expired; keys begin with '{PREFIX}'."


class Recognised(msgspec.Struct, frozen=True):
    """Somebody as they were found, until when that holds (of a monotonic clock), and until when the key or session."""

    principal: Principal
    until: float
    expires_at: datetime | None


class Recognition:
    """Finds principals. Another process's change is seen within two seconds, one's own at once (`forget`)."""

    def __init__(self, records: IdentityRecords, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._records = records
        self._clock = clock
        self._known: OrderedDict[str, Recognised] = OrderedDict()
        self._lookups: SharedLookups[Principal] = SharedLookups()
        self._changes = 0
        self._noted: OrderedDict[str, float] = OrderedDict()

    async def key(self, secret: str) -> Principal:
        """Whose key it is; raises NotAuthenticated where it, or its owner, may not be used now."""
        digest = fingerprint(secret)
        if (kept := self._kept(digest)) is None:
            if not is_key_secret(secret):
                raise NotAuthenticated(BAD_KEY)
            changes = self._changes
            found = await self._records.keys.by_hash(digest)
            if found is None or not _usable(*found):
                raise NotAuthenticated(BAD_KEY)
            kept = self._keep(digest, _of_key(*found), found[0].expires_at, changes)
        await self._note_use(kept.account.key_id or "")
        return kept

    async def session(self, cookie: str) -> Principal:
        """Whose session it is; raises NotAuthenticated."""
        digest = fingerprint(cookie)
        if kept := self._kept(digest):
            return kept
        changes = self._changes
        found = await self._records.sessions.get(digest)
        if found is None or not found[1].active:
            raise NotAuthenticated(NO_SESSION)
        return self._keep(digest, of_session(*found), found[0].expires_at, changes)

    def forget(self) -> None:
        """Look everybody up again: something about them was changed here."""
        self._changes += 1
        self._known.clear()

    def _kept(self, digest: str) -> Principal | None:
        kept = self._known.get(digest)
        if kept is None or kept.until <= self._clock() or _over(kept.expires_at):
            return None
        return kept.principal

    def _keep(self, digest: str, principal: Principal, expires_at: datetime | None, changes: int) -> Principal:
        """Keep what was read, unless something was changed while it was."""
        if changes == self._changes:
            self._known[digest] = Recognised(principal, self._clock() + KEPT_SECONDS, expires_at)
            self._known.move_to_end(digest)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        return principal

    async def _note_use(self, key_id: str) -> None:
        """Note that a key is used, at most once a minute from this process."""
        now = self._clock()
        if now - self._noted.get(key_id, -NOTED_SECONDS) < NOTED_SECONDS:
            return
        self._noted[key_id] = now
        self._noted.move_to_end(key_id)
        if len(self._noted) > KEPT:
            self._noted.popitem(last=False)
        await self._records.keys.used(key_id, datetime.now(UTC))


def _usable(key: ApiKey, owner: User) -> bool:
    return owner.active and key.revoked_at is None and not _over(key.expires_at)


def _over(expires_at: datetime | None) -> bool:
    return expires_at is not None and expires_at <= datetime.now(UTC)


def _of_key(key: ApiKey, owner: User) -> Principal:
    return Principal(
        account=Account(user_id=owner.id, team_id=owner.team_id, key_id=key.id),
        name=owner.email,
        role=owner.role,
        scopes=key.scopes,
        models=key.models,
        requests_per_minute=key.requests_per_minute,
        tokens_per_minute=key.tokens_per_minute,
    )


def of_session(session: Session, user: User) -> Principal:
    """A user as they are in a session of theirs."""
    return Principal(
        account=Account(user_id=user.id, team_id=user.team_id),
        name=user.email,
        role=user.role,
        scopes=SCOPES,
        session=session,
    )
