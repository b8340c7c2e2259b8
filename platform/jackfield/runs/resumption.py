"""Going on with a plain answer, whose process ended before it did, from the tokens on its record."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from jackfield.contracts.engine import TokenEngine
from jackfield.decoding.request import DecodeRequest
from jackfield.errors import RunInterrupted
from jackfield.events import CallOpened, CallText, CallWritten, RunEvent, Started, TextDelta

ENDED_TOO_EARLY = "The process that answered ended before the answer did; ask again."


class AnswerSoFar(msgspec.Struct, frozen=True, kw_only=True):
    """What is on record of one plain answer: its tokens, and how many characters of it were told."""

    written: tuple[int, ...] = ()
    told: int = 0
    started: bool = False

    def goes_on(self, request: DecodeRequest, engine: TokenEngine) -> DecodeRequest:
        """The request for the rest of it; raises RunInterrupted where a model of that name no longer has its tokens."""
        if any(not 0 <= token < engine.model.vocabulary_size for token in self.written):
            raise RunInterrupted(ENDED_TOO_EARLY)
        return msgspec.structs.replace(request, written=self.written, told=self.told)


def answer_so_far(history: Iterable[RunEvent]) -> AnswerSoFar:
    """What the events of one plain answer tell; raises RunInterrupted where its text is there without its tokens."""
    written: list[int] = []
    told = 0
    started = False
    for event in history:
        match event.body:
            case Started():
                started = True
            case TextDelta(text=text, tokens=tokens, ids=ids):
                if len(ids) < tokens:
                    raise RunInterrupted(ENDED_TOO_EARLY)
                written += ids
                told += len(text)
    return AnswerSoFar(written=tuple(written), told=told, started=started)


def has_its_tokens(history: Iterable[RunEvent]) -> bool:
    """Whether a plain answer was begun whose tokens are all on record."""
    try:
        return bool(answer_so_far(history).written)
    except RunInterrupted:
        return False


def check_no_call(history: Iterable[RunEvent]) -> None:
    """Raise RunInterrupted where a call for the caller to run was told of: written anew, it would be another call."""
    if any(isinstance(event.body, CallOpened | CallText | CallWritten) for event in history):
        raise RunInterrupted(ENDED_TOO_EARLY)
