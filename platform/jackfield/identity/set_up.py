"""The first admin: whoever has the set-up token, once."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

import structlog

from jackfield.contracts.identity import User
from jackfield.contracts.identity_records import UserRecords
from jackfield.errors import Conflict, NotAuthenticated, StateUnavailable
from jackfield.identity.audit import Actor, AuditLog
from jackfield.identity.passwords import Passwords
from jackfield.identity.secrets import fingerprint, new_token, same
from jackfield.identity.throttle import Throttle
from jackfield.identity.users import new_user

FILE = "setup-token.sha256"

log = structlog.get_logger()


class SetUp:
    """Makes the first admin of somebody who has the token: the one in the settings, or one that is made and logged.

    Of the latter a hash is kept in the data folder, so that it holds over restarts until there is an admin.
    """

    def __init__(self, users: UserRecords, passwords: Passwords, audit: AuditLog, *, token: str, folder: Path) -> None:
        self._users = users
        self._passwords = passwords
        self._audit = audit
        self._token = token
        self._file = folder / FILE
        self._done = False
        self._attempts = Throttle(most=20, seconds=900.0)

    async def needed(self) -> bool:
        """Whether there is no user yet."""
        self._done = self._done or await self._users.count() > 0
        return not self._done

    async def prepare(self) -> None:
        """Make a token where one is needed and none is set; raises StateUnavailable."""
        if self._token or not await self.needed():
            return
        made = await asyncio.to_thread(self._make)
        if made:
            log.warning("there is no admin yet: POST /api/setup with this token makes the first one", setup_token=made)
        else:
            log.warning(
                "there is no admin yet, and the set-up token was logged at an earlier start; remove the file for "
                "another, or use `jackfield users add`",
                file=str(self._file),
            )

    async def first_admin(self, token: str, *, email: str, name: str, password: str, address: str) -> User:
        """Raises Conflict where there is a user, NotAuthenticated for a wrong token, InvalidRequest, RateLimited."""
        self._attempts.attempt(address)
        if not await self.needed():
            raise Conflict("This server is set up already; sign in, or ask an admin for an invitation.")
        if not await self._is_right(token):
            raise NotAuthenticated("The set-up token is wrong; it is in the server's settings, or in its log.")
        user = new_user(email, name, "admin")
        await self._users.add_first(user, password_hash=await self._passwords.hashed(password))
        self._done = True
        await asyncio.to_thread(self._file.unlink, missing_ok=True)
        await self._audit.note(Actor(id=user.id, address=address), "setup", user.id, email=user.email)
        return user

    async def _is_right(self, token: str) -> bool:
        if self._token:
            return same(token, self._token)
        stored = await asyncio.to_thread(self._stored)
        return bool(stored) and same(fingerprint(token), stored)

    def _make(self) -> str | None:
        """A new token whose hash is now in the data folder; None where another process's is there. Blocking."""
        token = new_token()
        try:
            descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(fingerprint(token))
        except FileExistsError:
            return None
        except OSError as error:
            raise StateUnavailable(f"The set-up token cannot be kept in {self._file} ({error.strerror}).") from error
        return token

    def _stored(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return self._file.read_text(encoding="ascii").strip()
        return ""
