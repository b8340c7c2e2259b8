"""What may be behind the words of a run's model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jackfield.messages import Message, Span
from jackfield.tools.provenance import is_tainted, tainted_spans


class Influence:
    """Remembers the tainted spans that one run's model or agent has read: what either writes may come from them."""

    def __init__(self) -> None:
        self._read: dict[Span, None] = {}

    @property
    def spans(self) -> tuple[Span, ...]:
        """All of them."""
        return tuple(self._read)

    def add(self, spans: Iterable[Span]) -> None:
        """Spans were read; those that are not tainted are nothing."""
        self._read.update(dict.fromkeys(span for span in spans if is_tainted(span)))

    def behind(self, messages: Sequence[Message]) -> tuple[Span, ...]:
        """Tainted spans of a conversation; where it has none but words of a model, what that may have read."""
        own = tainted_spans(messages)
        has_models_words = any(span.provenance == "assistant" for message in messages for span in message.spans)
        return self.spans if has_models_words and not own else own
