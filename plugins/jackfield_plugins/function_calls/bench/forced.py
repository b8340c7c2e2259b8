"""Another protocol with its answers given beforehand: the decode loop draws every token, and only the right ones."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jackfield.contracts.protocols import CallProtocol, CallRecogniser, Presentation
from jackfield.contracts.sampling import Constraint
from jackfield.contracts.tools import CallMode, ToolChoice, ToolDescription, ToolResult
from jackfield.messages import Call, Message

LAST_WORDS = "Done."


class ForcedProtocol:
    """Shows, recognises and answers as another protocol does. `calls` are what the next run is to write, in order."""

    def __init__(self, inner: CallProtocol) -> None:
        self._inner = inner
        self.name = forced_name(inner.name)
        self.markers = inner.markers
        self.injects = inner.injects
        self.calls: tuple[Call, ...] = ()

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
        """What the other presents, with one answer allowed: the calls that are not made yet, or the last words."""
        shown = self._inner.presentation(
            messages, tools, choice=choice, several=several, mode=mode, template_shows_tools=template_shows_tools
        )
        made = sum(message.role == "tool" for message in messages)
        text = "\n".join((*self._written(self.calls[made:], tools), *self._waits(shown, mode, made), LAST_WORDS))
        if not self.injects and made < len(self.calls):
            text = text.removesuffix("\n" + LAST_WORDS)
        choices = msgspec.json.encode([text]).decode()
        return msgspec.structs.replace(shown, constraint=Constraint(kind="choice", value=choices))

    def recogniser(self, tools: Sequence[ToolDescription], *, choice: ToolChoice) -> CallRecogniser:
        """The other's."""
        return self._inner.recogniser(tools, choice=choice)

    def result(self, call: Call, result: ToolResult) -> Message:
        """The other's."""
        return self._inner.result(call, result)

    def _written(self, calls: Sequence[Call], tools: Sequence[ToolDescription]) -> list[str]:
        """Calls as the other protocol has them written in earlier turns."""
        return [self._told(call, tools) for call in calls]

    def _told(self, call: Call, tools: Sequence[ToolDescription]) -> str:
        turns = (Message.of("user", ""), Message(role="assistant", spans=(), calls=(call,)))
        shown = self._inner.presentation(
            turns, tools, choice=ToolChoice(), several=True, mode="parallel", template_shows_tools=False
        )
        return shown.messages[-1].text

    def _waits(self, shown: Presentation, mode: CallMode, made: int) -> list[str]:
        """A trap for every result that may be missing at the end; one that waits for nothing is passed at once."""
        if mode == "sync" or not shown.parks_at or made:
            return []
        return [shown.parks_at[0]] * len(self.calls)


def forced_name(name: str) -> str:
    """What a protocol is called while its answers are given beforehand."""
    return f"forced-{name}"
