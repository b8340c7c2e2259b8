"""What is sent and given back of memories."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from jackfield.contracts.memory import MemoryUnit, Recalled, Visibility

Text = Annotated[str, Meta(min_length=1, max_length=8192, description="A sentence or two.")]


class MemoryAddition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to remember."""

    text: Text
    expires_at: Annotated[datetime, Meta(tz=True, description="Until when; for ever if left out.")] | None = None
    visibility: Annotated[Visibility, Meta(description="Who else may recall it; nobody if left out.")] | None = None


class MemoryQuestion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words that memories may bear on."""

    text: Annotated[str, Meta(min_length=1, max_length=8192)]
    limit: Annotated[int, Meta(ge=1, le=50, description="How many at most; 5 if left out.")] | None = None


class MemoryList(msgspec.Struct, frozen=True, kw_only=True):
    """Memories, the newest first."""

    data: list[MemoryUnit]


class MemoryVersions(msgspec.Struct, frozen=True, kw_only=True):
    """A memory as it was and is, the oldest first."""

    data: list[MemoryUnit]


class RecalledList(msgspec.Struct, frozen=True, kw_only=True):
    """Memories that bear on a question, the best first."""

    data: list[Recalled]


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """How many memories are gone."""

    forgotten: int
