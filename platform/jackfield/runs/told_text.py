"""The text of a run's answer, told once however often the run is resumed."""

from __future__ import annotations

from jackfield.events import Rewritten, TextDelta, TokenScore
from jackfield.runs.event_flow import EventFlow

BETWEEN_ANSWERS = "\n\n"


class ToldText:
    """Tells text as events; what was told before an interruption is not told again while it is the same."""

    def __init__(self, flow: EventFlow, told_before: str = "") -> None:
        self._flow = flow
        self._before = told_before
        self._length = 0
        self._due = ""

    def begin(self) -> None:
        """Another piece of the answer begins; what was told is kept apart from it."""
        self._due = BETWEEN_ANSWERS if self._length else ""

    def tell(self, text: str, *, tokens: int = 0, scores: tuple[TokenScore, ...] = ()) -> None:
        """Add text to the answer."""
        text, self._due = (self._due + text if text else text), ("" if text else self._due)
        expected = self._before[self._length : self._length + len(text)]
        known = _common_length(text, expected)
        if known < len(expected):
            self._flow.tell(Rewritten(keeps=self._length + known))
            self._before = ""
        self._length += len(text)
        if known < len(text) or (not text and scores):
            self._flow.tell(TextDelta(text=text[known:], tokens=tokens, scores=scores))

    def finish(self) -> None:
        """The answer is whole: what was told before beyond it does not stand."""
        if len(self._before) > self._length:
            self._flow.tell(Rewritten(keeps=self._length))
            self._before = ""


def _common_length(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (mine, yours) in pairs if mine != yours), min(len(one), len(other)))
