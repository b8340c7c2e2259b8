"""What is said in a conversation, each span with where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool"]
Provenance = Literal["system", "user", "assistant", "tool", "file", "remote"]


class Span(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stretch of text of one origin; whatever is not `system` or `user` is never trusted to command."""

    text: str
    provenance: Provenance


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A call that a model has finished writing."""

    identifier: str
    tool: str
    arguments: dict[str, Any]


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn of a conversation: spans in reading order.

    An assistant's turn makes `calls` beside its text; a tool's turn answers the call that `answers` names.
    """

    role: Role
    spans: tuple[Span, ...]
    name: str | None = None
    calls: tuple[Call, ...] = ()
    answers: str | None = None

    @property
    def text(self) -> str:
        """The whole turn as one string."""
        return "".join(span.text for span in self.spans)

    @classmethod
    def of(cls, role: Role, text: str, *, name: str | None = None) -> Message:
        """A message of one span whose origin is its role."""
        return cls(role=role, spans=(Span(text, role),), name=name)


def transcript(messages: Sequence[Message]) -> str:
    """Messages as plain text, one `role: text` paragraph each, for models that have no chat template."""
    return "\n\n".join(f"{message.role}: {message.text}" for message in messages)
