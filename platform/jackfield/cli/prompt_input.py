"""What is asked of a model on the command line: words, what is piped in, instructions."""

from __future__ import annotations

import sys

from jackfield.errors import InvalidRequest
from jackfield.messages import Message, Span


def asked_messages(question: str, piped: str, system: str = "", *, example: str) -> tuple[Message, ...]:
    """A conversation that asks; raises InvalidRequest, with an `example`, where there is nothing to ask."""
    if not question.strip() and not piped.strip():
        raise InvalidRequest(f"There is nothing to ask; try: {example}")
    spans = [Span(piped.rstrip() + ("\n\n" if question else ""), "file")] if piped.strip() else []
    if question:
        spans.append(Span(question, "user"))
    instructions = [Message.of("system", system)] if system else []
    return (*instructions, Message(role="user", spans=tuple(spans)))


def piped_text() -> str:
    """All of stdin when it is not a terminal; raises InvalidRequest where it is not UTF-8."""
    if sys.stdin is None or sys.stdin.isatty():
        return ""
    data = sys.stdin.buffer.read()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"What is piped in is not UTF-8 text (byte {error.start} is 0x{data[error.start]:02x}); convert it first."
        ) from error
