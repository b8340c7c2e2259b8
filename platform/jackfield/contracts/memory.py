"""Memory across conversations: units that are kept, found again, shown and forgotten (MemOS)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

import msgspec

from jackfield.contracts.files import Embedder
from jackfield.contracts.records import StateStore
from jackfield.messages import Provenance

MemoryKind = Literal["fact", "activation"]
"""A `fact` is a sentence or two; an `activation` is a text whose KV cache is kept, for prompts that begin with it."""

Visibility = Literal["owner", "team", "everyone"]


class MemoryUnit(msgspec.Struct, frozen=True, kw_only=True):
    """One thing remembered: payload, where it came from, whose it is, who else may recall it, until when.

    `version` rises with every change; `source` names the run, conversation or file that it was taken from.
    """

    id: str
    kind: MemoryKind = "fact"
    text: str
    provenance: Provenance
    owner_id: str
    remembered_at: datetime
    changed_at: datetime
    version: int = 1
    source: str = ""
    visibility: Visibility = "owner"
    team_id: str | None = None
    expires_at: datetime | None = None
    recalled: int = 0
    recalled_at: datetime | None = None
    model: str | None = None


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """A unit that bears on a question, and how much."""

    unit: MemoryUnit
    score: float
    similarity: float | None = None


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Whose memory is meant: their own units, their team's and everyone's."""

    id: str = "local"
    team_id: str | None = None


@runtime_checkable
class Memory(Protocol):
    """Remembers and recalls; it never decides by itself what is worth keeping. Usable from one event loop."""

    async def remember(self, unit: MemoryUnit) -> MemoryUnit:
        """Add a unit, or a version of the one with its `id`; the same text of the same owner is kept once.

        It then lasts until the later of both ends. What has expired goes for good by this.
        """
        ...

    async def recall(self, query: str, *, asker: Asker, limit: int = 5) -> tuple[Recalled, ...]:
        """By relevance and recency, best first; nothing that has expired or does not bear on the query."""
        ...

    async def get(self, unit_id: str, *, asker: Asker) -> MemoryUnit:
        """Raises MemoryNotFound, also for what somebody else keeps to themselves."""
        ...

    async def versions(self, unit_id: str, *, asker: Asker) -> tuple[MemoryUnit, ...]:
        """Oldest first."""
        ...

    async def page(
        self, *, asker: Asker, kind: MemoryKind | None = None, limit: int = 100, before: str | None = None
    ) -> tuple[MemoryUnit, ...]:
        """Newest first."""
        ...

    async def forget(self, unit_id: str, *, asker: Asker) -> None:
        """For good, with every version. Raises MemoryNotFound, or NotAllowed for what belongs to somebody else."""
        ...

    async def forget_all(self, *, asker: Asker) -> int:
        """Everything that is the asker's own; how many units."""
        ...

    async def close(self) -> None: ...


class MemoryFactory(Protocol):
    """Opens memories beside the state stores that it knows."""

    def claims(self, state: StateStore) -> bool: ...

    def open(self, state: StateStore, embedder: Embedder) -> Memory: ...
