"""What a recogniser has to tell: events in order, joined where they can be, white space behind text held back."""

from __future__ import annotations

from jackfield.contracts.protocols import AnswerText, CallArguments, Recognised
from jackfield_plugins.function_calls.json_scanner import WHITE


class Telling:
    """White space beside a call is the call's, and is not told; all other text is told as it was written."""

    def __init__(self) -> None:
        self.line_blank = True
        self._events: list[Recognised] = []
        self._white = ""
        self._behind_call = False

    def say(self, text: str) -> None:
        """Tell answer text."""
        whole = self._white + text
        said = whole.rstrip(WHITE)
        self._white = whole[len(said) :]
        last_line = text.rpartition("\n")[2]
        self.line_blank = not last_line.strip(WHITE) and ("\n" in text or self.line_blank)
        if said:
            self._behind_call = False
            self.tell(AnswerText(said))

    def tell(self, *events: Recognised) -> None:
        """Tell of a call, or join more of the same to the last event."""
        for event in events:
            last = self._events[-1] if self._events else None
            if isinstance(event, AnswerText) and isinstance(last, AnswerText):
                self._events[-1] = AnswerText(last.text + event.text)
            elif (
                isinstance(event, CallArguments)
                and isinstance(last, CallArguments)
                and last.identifier == event.identifier
            ):
                self._events[-1] = CallArguments(last.identifier, last.text + event.text)
            else:
                self._events.append(event)

    def drop_white(self) -> None:
        """Forget the white space before a call."""
        self._white = ""

    def call_ended(self) -> None:
        """White space that follows is the call's, if nothing else does."""
        self._behind_call = self.line_blank = True

    def finish(self) -> None:
        """The answer ended."""
        if self._white and not self._behind_call:
            self.tell(AnswerText(self._white))
        self._white = ""

    def told(self) -> list[Recognised]:
        """What is to be told now."""
        told, self._events = self._events, []
        return told


def overlap(text: str, marker: str) -> int:
    """How many of the last characters may be the beginning of a marker."""
    longest = min(len(marker) - 1, len(text))
    return next((length for length in range(longest, 0, -1) if text.endswith(marker[:length])), 0)
