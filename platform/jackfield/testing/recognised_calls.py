"""What recognisers of calls tell of an answer, in a form to compare, and tools to call."""

from __future__ import annotations

import msgspec

from jackfield.contracts.protocols import (
    AnswerText,
    CallArguments,
    CallBroken,
    CallClosed,
    CallOpened,
    CallRecogniser,
    Recognised,
)
from jackfield.contracts.tools import ToolDescription

PLAY = ToolDescription(
    name="play",
    description="Play songs of an artist.",
    parameters={
        "type": "object",
        "properties": {"artist": {"type": "string"}, "minutes": {"type": "integer"}},
        "required": ["artist"],
    },
)
CLOCK = ToolDescription(name="clock", description="Tell the time.", parameters={"type": "object", "properties": {}})
TOOLS = (PLAY, CLOCK)
"""What the answers under test may call."""


def events(recogniser: CallRecogniser, *pieces: str) -> list[Recognised]:
    """All that is told of an answer, identifiers replaced by numbers, and joined where it can be."""
    told: list[Recognised] = []
    for piece in pieces:
        told += recogniser.feed(piece)
    told += recogniser.finish()
    return _joined(_numbered(told))


def _numbered(told: list[Recognised]) -> list[Recognised]:
    numbers: dict[str, str] = {}

    def number(identifier: str) -> str:
        return numbers.setdefault(identifier, f"#{len(numbers) + 1}")

    def numbered(event: Recognised) -> Recognised:
        match event:
            case CallClosed(call):
                return CallClosed(msgspec.structs.replace(call, identifier=number(call.identifier)))
            case CallOpened() | CallArguments():
                return msgspec.structs.replace(event, identifier=number(event.identifier))
            case CallBroken(identifier) if identifier is not None:
                return msgspec.structs.replace(event, identifier=number(identifier))
        return event

    return [numbered(event) for event in told]


def _joined(told: list[Recognised]) -> list[Recognised]:
    joined: list[Recognised] = []
    for event in told:
        match joined[-1] if joined else None, event:
            case AnswerText(before), AnswerText(text):
                joined[-1] = AnswerText(before + text)
            case CallArguments(one, before), CallArguments(other, text) if one == other:
                joined[-1] = CallArguments(one, before + text)
            case _:
                joined.append(event)
    return joined


def text_of(told: list[Recognised]) -> str:
    """The answer's own text."""
    return "".join(event.text for event in told if isinstance(event, AnswerText))


def calls_of(told: list[Recognised]) -> list[tuple[str, object]]:
    """Tool and arguments of each whole call."""
    return [(event.call.tool, event.call.arguments) for event in told if isinstance(event, CallClosed)]


def reasons_of(told: list[Recognised]) -> list[str]:
    """Why calls broke."""
    return [event.reason for event in told if isinstance(event, CallBroken)]
