"""Agents: the policy over a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from jackfield.contracts.sampling import Constraint
from jackfield.contracts.tools import ToolChoice, ToolDescription, ToolResult
from jackfield.events import FinishReason
from jackfield.messages import Call, Message, Span


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """What a model answered, and the results of the calls that it made: `messages` go on the conversation as they are.

    `text` is the answer without calls. `open_calls` are of tools that the caller runs; nobody ran them here.
    """

    text: str
    messages: tuple[Message, ...]
    calls: tuple[Call, ...] = ()
    open_calls: tuple[Call, ...] = ()
    reason: FinishReason = "stop"


FREE_CHOICE = ToolChoice()


class AgentHost(Protocol):
    """What an agent may use while it works.

    Every answer and every call is put on record. A run that was interrupted is worked on from its beginning again, and
    what was asked before is answered from the record: so an agent keeps no state but what its host gave it.
    """

    @property
    def tools(self) -> Mapping[str, ToolDescription]:
        """What the run may call, by name."""
        ...

    @property
    def choice(self) -> ToolChoice:
        """What the request says of calls, for the answer that an agent holds to it: the first, as a rule."""
        ...

    @property
    def folder(self) -> Path | None:
        """The folder that the run was given to work in."""
        ...

    async def answer(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[str] | None = None,
        choice: ToolChoice = FREE_CHOICE,
        constraint: Constraint | None = None,
        max_tokens: int | None = None,
        shown: bool = True,
    ) -> Turn:
        """One model answer under the run's limits, its calls run while it is written; `tools` None means all.

        What is `shown` is part of the run's answer, and has the shape and length that the request asks for where no
        `constraint` or `max_tokens` is given. Raises LimitReached, LoopDetected, or what decoding raises.
        """
        ...

    async def call(
        self, tool: str, arguments: Mapping[str, Any], *, caused_by: Sequence[Span] | None = None
    ) -> ToolResult:
        """A call that the agent itself makes, with the same approval, limits and record as a model's.

        `caused_by` are the spans that the arguments were made from, where they are not the agent's own; None for all
        that the run has read.
        """
        ...

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """How many tokens a conversation takes in the run's model."""
        ...

    async def context_length(self) -> int:
        """The longest conversation, answer included, in tokens."""
        ...

    async def say(self, text: str) -> None:
        """Text of the run's answer that no model wrote."""
        ...

    async def note(self, text: str) -> None:
        """A remark for those who watch, such as which step begins; no part of the answer."""
        ...


class Agent(Protocol):
    """Decides what happens next in a run. It opens no model and runs no tool but through its host."""

    name: str

    async def work(self, task: Sequence[Message], host: AgentHost) -> FinishReason:
        """Work until the task is done; why it ended. Raises LimitReached where it gives up."""
        ...
