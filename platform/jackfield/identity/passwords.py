"""Passwords as argon2id hashes, made and checked off the event loop, a few at once since each takes much memory."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from jackfield.errors import InvalidRequest, MissingDependency

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 10
LONGEST = 1024
AT_ONCE = 4
ROUNDS = 3
LANES = 1


class Checked(NamedTuple):
    """Whether a password was right, and its new hash where the stored one was made with other parameters."""

    right: bool
    new_hash: str | None = None


class Passwords:
    """Hashes passwords with `memory_mb` of memory each."""

    def __init__(self, *, memory_mb: int = 64) -> None:
        self._memory_mb = memory_mb
        self._free = asyncio.Semaphore(AT_ONCE)
        self._nobodys: str | None = None

    async def hashed(self, password: str) -> str:
        """A hash to store; raises InvalidRequest for a password that is too short or too long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise InvalidRequest(
                f"A password has {SHORTEST} to {LONGEST} characters; this one has {len(password)}.",
                parameter="password",
            )
        return await self._hash(password)

    async def check(self, stored: str | None, password: str) -> Checked:
        """Compare a password with a stored hash; takes as long where there is none, so that it tells nothing."""
        self._nobodys = self._nobodys or await self._hash("nobody has this password")
        if len(password) > LONGEST:
            return Checked(right=False)
        if stored is None:
            await self._verify(self._nobodys, password)
            return Checked(right=False)
        if not await self._verify(stored, password):
            return Checked(right=False)
        return Checked(True, await self._hash(password) if self._hasher.check_needs_rehash(stored) else None)

    @cached_property
    def _hasher(self) -> PasswordHasher:
        try:
            from argon2 import PasswordHasher
        except ImportError as error:
            raise MissingDependency("Passwords need argon2-cffi: pip install 'jackfield[server]'.") from error
        return PasswordHasher(time_cost=ROUNDS, memory_cost=self._memory_mb * 1024, parallelism=LANES)

    async def _hash(self, password: str) -> str:
        async with self._free:
            return await asyncio.to_thread(self._hasher.hash, password.encode("utf-8", "surrogatepass"))

    async def _verify(self, stored: str, password: str) -> bool:
        async with self._free:
            return await asyncio.to_thread(self._verify_now, stored, password)

    def _verify_now(self, stored: str, password: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError

        try:
            return self._hasher.verify(stored, password.encode("utf-8", "surrogatepass"))
        except (VerificationError, InvalidHashError):
            return False
