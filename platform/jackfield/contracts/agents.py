"""Agents: the policy over a run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

import msgspec

from jackfield.contracts.tools import Tool
from jackfield.messages import Message


class AgentStep(msgspec.Struct, frozen=True, kw_only=True):
    """One thing an agent did: a message it wrote or received, and whether it is the last."""

    message: Message
    final: bool = False


class AgentHost(Protocol):
    """What an agent may use while it works."""

    @property
    def tools(self) -> Mapping[str, Tool]: ...

    async def answer(self, messages: Sequence[Message]) -> Message:
        """One model answer, decoded by the run's engine under its budget."""
        ...


class Agent(Protocol):
    """Decides what happens next in a run. It opens no model and calls no tool but through its host."""

    name: str

    def work(self, task: Sequence[Message], host: AgentHost) -> AsyncIterator[AgentStep]: ...
