"""What a run took, as its events tell it."""

from __future__ import annotations

from collections.abc import Iterable

from jackfield.events import Answered, Cancelled, Failed, Finished, RunEventBody, Started, TextDelta, Usage
from jackfield.runs.meter import NOTHING, sum_of


class UsageSoFar:
    """Follows a run's events. Answers that are whole count as recorded, one that is not as far as it was told."""

    def __init__(self, bodies: Iterable[RunEventBody] = ()) -> None:
        self._whole = NOTHING
        self._open = NOTHING
        self._end: Usage | None = None
        self._began = False
        self.ended = False
        for body in bodies:
            self.take(body)

    def take(self, body: RunEventBody) -> None:
        """The next event."""
        match body:
            case Started(prompt_tokens=read):
                self._began = True
                self._open = Usage(prompt_tokens=read, completion_tokens=0)
            case TextDelta(tokens=written):
                self._open = sum_of(self._open, Usage(prompt_tokens=0, completion_tokens=written))
            case Answered(usage=usage):
                self._began = True
                self._whole, self._open = sum_of(self._whole, usage), NOTHING
            case Finished(usage=usage) | Failed(usage=usage) | Cancelled(usage=usage):
                self._end, self.ended = usage, True

    @property
    def usage(self) -> Usage | None:
        """None for a run that never began."""
        if self._end is not None:
            return self._end
        return sum_of(self._whole, self._open) if self._began else None
