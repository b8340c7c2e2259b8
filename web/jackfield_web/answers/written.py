"""What a run wrote, put together from its events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec

from jackfield.events import (
    CallOpened,
    CallText,
    CallWritten,
    Finished,
    Rewritten,
    RunEventBody,
    SourcesFound,
    TextDelta,
    TokenScore,
)
from jackfield.messages import Call


class WrittenCall(msgspec.Struct, kw_only=True):
    """A call for the caller to run, as far as it was written: `call` is None where the answer ended within it.

    `arguments` is the JSON text of its arguments.
    """

    identifier: str
    tool: str
    arguments: str = ""
    call: Call | None = None


Part = str | WrittenCall


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer: texts and calls in the order they were written, scores where asked for, how it ended.

    `found` are the sources that it was given; None where none were looked for.
    """

    parts: tuple[Part, ...]
    scores: tuple[TokenScore, ...]
    end: Finished
    found: SourcesFound | None = None

    @property
    def text(self) -> str:
        """All of its text."""
        return "".join(part for part in self.parts if isinstance(part, str))

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls that are whole."""
        return tuple(part.call for part in self.parts if isinstance(part, WrittenCall) and part.call)


class Transcript:
    """Collects the events of one run's answer."""

    def __init__(self, events: Iterable[RunEventBody] = ()) -> None:
        self._said: list[TextDelta | WrittenCall] = []
        self.found: SourcesFound | None = None
        for event in events:
            self.add(event)

    def add(self, event: RunEventBody) -> None:
        """Take note of an event; those that write nothing change nothing."""
        match event:
            case SourcesFound():
                self.found = event.behind(self.found)
            case TextDelta():
                self._said.append(event)
            case Rewritten(keeps=keeps):
                self._said = list(_first(keeps, self._said))
            case CallOpened(call=identifier, tool=tool):
                self._said.append(WrittenCall(identifier=identifier, tool=tool))
            case CallText(call=identifier, text=text):
                if call := self._call(identifier):
                    call.arguments += text
            case CallWritten(call=written, ours=False):
                self._complete(written)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Texts and calls so far; texts that follow each other are one."""
        return tuple(_parts(self._said))

    def written(self, end: Finished) -> Written:
        """The answer, now that it ended."""
        scores = tuple(score for said in self._said if isinstance(said, TextDelta) for score in said.scores)
        return Written(parts=self.parts, scores=scores, end=end, found=self.found)

    def _complete(self, written: Call) -> None:
        call = self._call(written.identifier)
        if call is None:
            call = WrittenCall(identifier=written.identifier, tool=written.tool)
            self._said.append(call)
        call.call = written
        call.arguments = call.arguments or arguments_text(written)

    def _call(self, identifier: str) -> WrittenCall | None:
        calls = (said for said in reversed(self._said) if isinstance(said, WrittenCall))
        return next((call for call in calls if call.identifier == identifier), None)


def arguments_text(call: Call) -> str:
    """A call's arguments as JSON text."""
    return msgspec.json.encode(call.arguments).decode()


def _parts(said: Iterable[TextDelta | WrittenCall]) -> Iterator[Part]:
    for is_text, group in groupby(said, lambda one: isinstance(one, TextDelta)):
        if not is_text:
            yield from (one for one in group if isinstance(one, WrittenCall))
        elif text := "".join(one.text for one in group if isinstance(one, TextDelta)):
            yield text


def _first(length: int, said: Iterable[TextDelta | WrittenCall]) -> Iterator[TextDelta | WrittenCall]:
    """The deltas of the first `length` characters; one that reaches beyond them loses the scores of its tokens."""
    for one in said:
        if isinstance(one, WrittenCall):
            yield one
        elif len(one.text) <= length:
            length -= len(one.text)
            yield one
        else:
            if length:
                yield TextDelta(text=one.text[:length], tokens=0)
            length = 0
