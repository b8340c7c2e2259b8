"""Answers whose calls the caller runs: one answer, and another where the model wrote what is no call."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.contracts.agents import AgentHost
from jackfield.events import FinishReason
from jackfield.messages import Message

MOST_TRIES = 3


class CallersTools:
    """Implements `jackfield.contracts.agents.Agent` for requests that bring their own tools."""

    name = "callers-tools"

    async def work(self, task: Sequence[Message], host: AgentHost) -> FinishReason:
        """Answer; a model that wrote a broken call is told why, and may write it again."""
        messages = list(task)
        for _ in range(MOST_TRIES):
            turn = await host.answer(messages, choice=host.choice)
            if turn.open_calls or len(turn.messages) == 1:
                return turn.reason
            messages += turn.messages
        return turn.reason
