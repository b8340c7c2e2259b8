"""How tools are shown to a model, how its calls are recognised, how results go back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield.messages import Message


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A call that a model has finished writing."""

    identifier: str
    tool: str
    arguments: dict[str, Any]


class CallRecogniser(Protocol):
    """Reads one answer as it streams by."""

    def feed(self, text: str) -> tuple[str, tuple[Call, ...]]:
        """Text that is answer and not call, and the calls that this piece completed."""
        ...

    def finish(self) -> tuple[str, tuple[Call, ...]]:
        """What was held back when the answer ends."""
        ...


class CallProtocol(Protocol):
    """One way of calling; it runs no tool."""

    name: str

    def present(self, messages: Sequence[Message], tools: Sequence[ToolDescription]) -> tuple[Message, ...]:
        """The conversation with the tools shown in it."""
        ...

    def recogniser(self, tools: Sequence[ToolDescription]) -> CallRecogniser: ...

    def result(self, call: Call, result: ToolResult) -> Message:
        """A result as the model is to read it."""
        ...
