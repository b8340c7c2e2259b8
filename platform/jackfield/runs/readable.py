"""What a model may read of a conversation."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jackfield.contracts.guards import Guard
from jackfield.messages import Message, Span
from jackfield.tools.provenance import is_tainted, without_markers


class Readable:
    """Takes out of tainted spans what commands a model, and the spans that a guard withholds, which is said there."""

    def __init__(self, markers: Sequence[str], guards: Sequence[Guard]) -> None:
        self._markers = tuple(markers)
        self._guards = tuple(guards)

    def messages(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """A conversation as it may be read."""
        return tuple(map(self._guarded, without_markers(messages, self._markers)))

    def message(self, message: Message) -> Message:
        """One message as it may be read."""
        return self.messages([message])[0]

    def _guarded(self, message: Message) -> Message:
        if not any(map(is_tainted, message.spans)):
            return message
        return msgspec.structs.replace(message, spans=tuple(map(self._passing, message.spans)))

    def _passing(self, span: Span) -> Span:
        for guard in self._guards if is_tainted(span) else ():
            verdict = guard.span(span)
            if not verdict.passes:
                return Span(f"(withheld: {verdict.reason})", span.provenance)
        return span
