"""The plain loop: answer, call, read the results, answer again, until an answer calls nothing."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.contracts.agents import FREE_CHOICE, AgentHost
from jackfield.events import FinishReason
from jackfield.messages import Message


class ToolLoop:
    """Ends with the first answer that makes no call and holds no broken one."""

    name = "tool-loop"

    async def work(self, task: Sequence[Message], host: AgentHost) -> FinishReason:
        """Work until the model has nothing more to call; what the request says of calls holds for the first answer."""
        messages = list(task)
        choice = host.choice
        while True:
            turn = await host.answer(messages, choice=choice)
            messages += turn.messages
            if turn.open_calls or len(turn.messages) == 1:
                return turn.reason
            choice = choice if choice.mode == "none" else FREE_CHOICE
