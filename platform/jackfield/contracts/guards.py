"""Guards: may a span, a call, an answer pass."""

from __future__ import annotations

from typing import Protocol

import msgspec

from jackfield.contracts.protocols import Call
from jackfield.messages import Span


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Pass, or not and why."""

    passes: bool
    reason: str = ""


class Guard(Protocol):
    """Judges; it changes nothing."""

    name: str

    def span(self, span: Span) -> Verdict: ...

    def call(self, call: Call, *, caused_by: tuple[Span, ...]) -> Verdict: ...

    def answer(self, text: str) -> Verdict: ...
