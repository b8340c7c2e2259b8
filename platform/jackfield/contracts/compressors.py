"""Prompt compressors: fewer tokens in, and a report of what went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from jackfield.messages import Message


class CompressionReport(msgspec.Struct, frozen=True, kw_only=True):
    """What compression did; counts in tokens, time in seconds."""

    method: str
    tokens_before: int
    tokens_after: int
    seconds: float
    dropped: tuple[str, ...] = ()
    declined: str | None = None


class PromptCompressor(Protocol):
    """Shortens messages to a budget. It never touches system and user instructions, and never drops in silence."""

    name: str

    def compress(
        self, messages: Sequence[Message], *, question: str, token_budget: int
    ) -> tuple[tuple[Message, ...], CompressionReport]: ...
