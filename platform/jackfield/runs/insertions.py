"""Results that are put into an answer while it is written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from jackfield.decoding.handle import SequenceHandle
from jackfield.errors import ContextOverflow, JackfieldError
from jackfield.messages import Message, Span


class Reply:
    """What an answer consists of so far: the model's own words, and what was put between them."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(span.text for span in self.spans)

    @property
    def read(self) -> tuple[Span, ...]:
        """What the model did not write."""
        return tuple(span for span in self.spans if span.provenance != "assistant")

    def wrote(self, text: str) -> None:
        """More of the model's own words."""
        if self.spans and self.spans[-1].provenance == "assistant":
            text = self.spans.pop().text + text
        self.spans.append(Span(text, "assistant"))


class Insertions:
    """Results on their way into one answer: held back, handed to the decode loop, or standing in the reply."""

    def __init__(
        self, reply: Reply, tokens_of: Callable[[str], list[int]], failed: Callable[[JackfieldError], None]
    ) -> None:
        """`failed` hears of a result for which the context has no room."""
        self._reply = reply
        self._tokens_of = tokens_of
        self._failed = failed
        self._held: list[Message] = []
        self._handed: deque[tuple[int, Message]] = deque()

    @property
    def under_way(self) -> bool:
        """Whether the model has yet to read a result."""
        return bool(self._held or self._handed)

    def hold(self, message: Message) -> None:
        """Keep a result until it is handed over or taken."""
        self._held.append(message)

    def hand_over(self, handle: SequenceHandle | None) -> None:
        """Have what is held put in at the next safe point of a sequence."""
        held, self._held = self._held, []
        for message in held:
            tokens = self._tokens_of(message.text)
            self._handed.append((len(tokens), message))
            try:
                if handle:
                    handle.inject(tokens)
            except ContextOverflow as error:
                self._failed(error)

    def put_in(self, tokens: int) -> None:
        """So many tokens stand in the sequence now: they are part of the reply."""
        while tokens > 0 and self._handed:
            length, message = self._handed.popleft()
            tokens -= length
            self._reply.spans += message.spans

    def take(self) -> bool:
        """Add all that did not get in before the answer ended to the reply; whether there was anything."""
        left = [message for _, message in self._handed] + self._held
        self._handed.clear()
        self._held.clear()
        self._reply.spans += [span for message in left for span in message.spans]
        return bool(left)
