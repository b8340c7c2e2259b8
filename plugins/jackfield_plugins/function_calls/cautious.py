"""Calls for those who would rather have no call than a wrong one: tools that do not seem to fit are not shown."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.contracts.protocols import Presentation
from jackfield.contracts.tools import CallMode, ToolChoice, ToolDescription
from jackfield.messages import Message
from jackfield_plugins.function_calls.constrained import ConstrainedProtocol
from jackfield_plugins.function_calls.relevance import relevant

NO_CALLS = ToolChoice(mode="none")


class CautiousProtocol(ConstrainedProtocol):
    """What `constrained` does, for questions that have enough words in common with a tool.

    Small models call whatever they are shown. The price is a tool that is named otherwise than it is asked for.
    """

    name = "cautious"

    def presentation(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolDescription],
        *,
        choice: ToolChoice,
        several: bool,
        mode: CallMode,
        template_shows_tools: bool,
    ) -> Presentation:
        """Tools where one seems made for what is asked, where a call must be made, and once one was made."""
        must = choice.mode == "required" or choice.name is not None
        under_way = any(message.calls or message.role == "tool" for message in messages)
        fits = must or under_way or relevant(messages, tools)
        return super().presentation(
            messages,
            tools,
            choice=choice if fits else NO_CALLS,
            several=several,
            mode=mode,
            template_shows_tools=template_shows_tools,
        )
