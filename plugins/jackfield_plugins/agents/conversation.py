"""Conversations that agents make of their task and of what they have to say themselves."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jackfield.messages import Message, Span


def instructed(task: Sequence[Message], instructions: str) -> list[Message]:
    """A task under an agent's instructions, which follow on the system message that it has."""
    span = Span(instructions, "system")
    if task and task[0].role == "system":
        spans = (*task[0].spans, Span("\n\n", "system"), span)
        return [msgspec.structs.replace(task[0], spans=spans), *task[1:]]
    return [Message(role="system", spans=(span,)), *task]


def continued(task: Sequence[Message], spans: Sequence[Span]) -> list[Message]:
    """A task with more said to the model, in the user's last turn where that ends it: templates want turns to vary."""
    if task and task[-1].role == "user":
        last = task[-1]
        return [*task[:-1], msgspec.structs.replace(last, spans=(*last.spans, Span("\n\n", "system"), *spans))]
    return [*task, Message(role="user", spans=tuple(spans))]
