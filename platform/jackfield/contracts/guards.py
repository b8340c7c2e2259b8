"""Guards: may a span be read, may a call be run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from jackfield.contracts.tools import ToolDescription
from jackfield.messages import Call, Span


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Pass, or not and why; what does not pass may still be approved by a person."""

    passes: bool
    reason: str = ""


PASSES = Verdict(passes=True)

Plan = Callable[[], Awaitable[Sequence[Call]]]
"""Asks the model, which sees only spans that may command, for the calls that the task needs; asked once a run."""


class Guard(Protocol):
    """Judges; it changes nothing."""

    name: str

    def span(self, span: Span) -> Verdict:
        """Whether a model may read a span."""
        ...

    async def call(self, call: Call, tool: ToolDescription, *, caused_by: Sequence[Span], plan: Plan) -> Verdict:
        """Whether a call may be run that a model wrote having read these spans."""
        ...
