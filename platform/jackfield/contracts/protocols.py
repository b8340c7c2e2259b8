"""How tools are shown to a model, how its calls are recognised, how results go back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from jackfield.contracts.sampling import Constraint
from jackfield.contracts.tools import CallMode, ToolChoice, ToolDescription, ToolResult
from jackfield.messages import Call, Message


class AnswerText(msgspec.Struct, frozen=True):
    """Text that is answer and not call."""

    text: str


class CallOpened(msgspec.Struct, frozen=True):
    """A block opened whose tool is known; `identifier` is new in this answer and names the call from here on."""

    identifier: str
    tool: str


class CallArguments(msgspec.Struct, frozen=True):
    """More of an open call's arguments, as the JSON text that the model writes."""

    identifier: str
    text: str


class CallClosed(msgspec.Struct, frozen=True):
    """A call is whole."""

    call: Call


class CallBroken(msgspec.Struct, frozen=True):
    """A block closed, or the answer ended, with what is no call; `reason` is a sentence for the model.

    `identifier` names the call where one was opened, `text` is what was written.
    """

    identifier: str | None
    text: str
    reason: str


class Trapped(msgspec.Struct, frozen=True):
    """The model has nothing to do until a result comes (AsyncLM's trap)."""


Recognised = AnswerText | CallOpened | CallArguments | CallClosed | CallBroken | Trapped


class CallRecogniser(Protocol):
    """Reads one answer as it streams by, in pieces of any length. Nothing it reads is lost or told twice."""

    def feed(self, text: str) -> Sequence[Recognised]:
        """What this piece made certain, in the order it was written."""
        ...

    def finish(self) -> Sequence[Recognised]:
        """What was held back when the answer ended."""
        ...


class Presentation(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that shows its tools, and how its answer is to be decoded.

    `in_template` hands the tools to the model's own chat template. The answer begins with `reply_starts`. Nothing is
    injected between the texts of a pair of `blocks`, and after a text of `parks_at` the sequence waits.
    """

    messages: tuple[Message, ...]
    in_template: bool = False
    constraint: Constraint | None = None
    reply_starts: str = ""
    blocks: tuple[tuple[str, str], ...] = ()
    parks_at: tuple[str, ...] = ()


class CallProtocol(Protocol):
    """One way of calling. It runs no tool and holds nothing between answers."""

    name: str
    markers: tuple[str, ...]
    """What commands in this protocol; taken out of text that may not."""
    injects: bool
    """Whether results are put into the answer that is being written, and not into turns of their own."""

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
        """The conversation as the model is to read it: calls of earlier turns as they were written, results as text.

        `several` allows more than one call in an answer. Raises InvalidRequest for what this protocol cannot hold.
        """
        ...

    def recogniser(self, tools: Sequence[ToolDescription], *, choice: ToolChoice) -> CallRecogniser:
        """A fresh one, for one answer that begins behind `reply_starts`."""
        ...

    def result(self, call: Call, result: ToolResult) -> Message:
        """A result as the model is to read it: a turn, or where this protocol `injects` the spans to put in."""
        ...
