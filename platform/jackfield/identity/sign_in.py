"""Signing in with a password or through a provider, and the sessions that come of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from jackfield.contracts.identity import Role, Session, User
from jackfield.contracts.identity_records import IdentityRecords
from jackfield.errors import NameTaken, NotAllowed, NotAuthenticated
from jackfield.identity.audit import Actor, AuditLog
from jackfield.identity.passwords import Passwords
from jackfield.identity.secrets import fingerprint, new_token
from jackfield.identity.throttle import Throttle
from jackfield.identity.users import new_user

ATTEMPTS = 10
ATTEMPTS_OF_ADDRESS = 200
ATTEMPTS_SECONDS = 900.0

WRONG = "The e-mail address or the password is wrong."

log = structlog.get_logger()


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A user with a new session, and the token of its cookie."""

    user: User
    session: Session
    token: str


class SignIn:
    """Opens and closes sessions, which last `hours`."""

    def __init__(
        self,
        records: IdentityRecords,
        passwords: Passwords,
        audit: AuditLog,
        forget: Callable[[], None],
        *,
        hours: int,
    ) -> None:
        self._records = records
        self._passwords = passwords
        self._audit = audit
        self._forget = forget
        self._lasting = timedelta(hours=hours)
        self._pairs = Throttle(most=ATTEMPTS, seconds=ATTEMPTS_SECONDS)
        self._addresses = Throttle(most=ATTEMPTS_OF_ADDRESS, seconds=ATTEMPTS_SECONDS)

    async def with_password(self, email: str, password: str, *, address: str) -> SignedIn:
        """Raises NotAuthenticated, which tells nothing but that it was wrong, or RateLimited."""
        pair = f"{address} {email.strip().casefold()[:300]}"
        self._addresses.attempt(address)
        self._pairs.attempt(pair)
        user = await self._records.users.by_email(email.strip())
        stored = await self._records.users.password_hash(user.id) if user else None
        checked = await self._passwords.check(stored, password)
        if user is None or not checked.right or not user.active:
            log.warning("somebody could not sign in", address=address)
            raise NotAuthenticated(WRONG)
        if checked.new_hash:
            await self._records.users.set_password(user.id, checked.new_hash)
        self._pairs.forget(pair)
        return await self.begin(user)

    async def with_provider(
        self, email: str, name: str, *, role: Role, may_join: bool, address: str, issuer: str
    ) -> SignedIn:
        """Whoever a provider vouches for: the user of that verified address, or a new one where they `may_join`.

        Raises NotAllowed.
        """
        user = await self._records.users.by_email(email)
        if user is None:
            if not may_join:
                raise NotAllowed("Nobody here has your e-mail address; ask an admin to add you.")
            user = await self._joined(email, name, role, address=address, issuer=issuer)
        if not user.active:
            raise NotAllowed("You may not sign in here any more; ask an admin.")
        return await self.begin(user)

    async def begin(self, user: User) -> SignedIn:
        """Begin a session; those that are over are cleared away."""
        now, token = datetime.now(UTC), new_token()
        await self._records.sessions.prune(before=now)
        session = Session(
            id=fingerprint(token), user_id=user.id, csrf=new_token(), created_at=now, expires_at=now + self._lasting
        )
        await self._records.sessions.add(session)
        return SignedIn(user=user, session=session, token=token)

    async def out(self, session: Session) -> None:
        """End a session."""
        await self._records.sessions.remove(session.id)
        self._forget()

    async def _joined(self, email: str, name: str, role: Role, *, address: str, issuer: str) -> User:
        user = new_user(email, name, role)
        try:
            await self._records.users.add(user)
        except NameTaken:
            if known := await self._records.users.by_email(email):  # who signed in twice at the same moment
                return known
            raise
        actor = Actor(id=user.id, address=address)
        await self._audit.note(actor, "user.join", user.id, email=user.email, role=role, issuer=issuer)
        return user
