"""Memory across conversations."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from jackfield.messages import Provenance


class MemoryUnit(msgspec.Struct, frozen=True, kw_only=True):
    """One thing remembered (MemOS): payload, where it came from, whose it is, until when."""

    identifier: str
    text: str
    provenance: Provenance
    owner: str
    remembered_at: datetime
    expires_at: datetime | None = None


class Memory(Protocol):
    """Remembers and recalls; it never decides by itself what is worth keeping."""

    async def remember(self, unit: MemoryUnit) -> None: ...

    async def recall(self, query: str, *, owner: str, limit: int = 5) -> tuple[MemoryUnit, ...]: ...

    async def forget(self, identifier: str, *, owner: str) -> None: ...
