"""The plain loop: answer, call, read the results, answer again, until an answer calls nothing."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.contracts.agents import FREE_CHOICE, AgentHost
from jackfield.contracts.tools import ToolChoice
from jackfield.errors import LoopDetected
from jackfield.events import FinishReason
from jackfield.messages import Message

NO_CALLS = ToolChoice(mode="none")


class ToolLoop:
    """Ends with the first answer that makes no call and holds no broken one.

    A model that makes one call over and over, as small ones do, is made to answer from the results alone: shown its
    calls, it would write another.
    """

    name = "tool-loop"

    async def work(self, task: Sequence[Message], host: AgentHost) -> FinishReason:
        """Work until the model has nothing more to call; what the request says of calls holds for the first answer."""
        messages = list(task)
        choice = host.choice
        while True:
            try:
                turn = await host.answer(messages, choice=choice)
            except LoopDetected as error:
                await host.note(f"{error.message} It has to answer without calls now.")
                results = [message for message in messages[len(task) :] if message.role == "tool"]
                return (await host.answer([*task, *results], tools=(), choice=NO_CALLS)).reason
            messages += turn.messages
            if turn.open_calls or len(turn.messages) == 1:
                return turn.reason
            choice = choice if choice.mode == "none" else FREE_CHOICE
