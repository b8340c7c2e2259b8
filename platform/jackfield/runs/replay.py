"""What a run did before it was interrupted, so that it need not do it again."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec

from jackfield.contracts.tools import ToolResult
from jackfield.events import (
    Answered,
    CallEnded,
    Decided,
    Noted,
    Paused,
    PendingCall,
    Resumed,
    Rewritten,
    RunEvent,
    TextDelta,
)
from jackfield.messages import Call

T = TypeVar("T")
CallKey = tuple[str, bytes]
"""A tool and the arguments it was called with."""


class Replay:
    """The answers, results and decisions on a run's record; each is given once, to whoever asks for the same again.

    What is asked for is told by its content and not by its place, so what ran side by side may come in another order.
    """

    def __init__(self, history: Iterable[RunEvent] = ()) -> None:
        self._answers: defaultdict[str, deque[Answered]] = defaultdict(deque)
        self._results: defaultdict[CallKey, deque[ToolResult]] = defaultdict(deque)
        self._decisions: defaultdict[CallKey, deque[Decided]] = defaultdict(deque)
        self._notes: Counter[str] = Counter()
        self.told = ""
        self.resumes = False
        self.seconds = 0.0
        self._newest: RunEvent | None = None
        for event in history:
            self._keep(event)

    def answer(self, asked: str) -> Answered | None:
        """The next answer to what has this digest."""
        return _next(self._answers[asked])

    def result(self, call: Call) -> ToolResult | None:
        """The next result of such a call."""
        return _next(self._results[call_key(call.tool, call.arguments)])

    def decision(self, call: Call) -> Decided | None:
        """The next decision on such a call that has not led to a result."""
        return _next(self._decisions[call_key(call.tool, call.arguments)])

    def noted(self, text: str) -> bool:
        """Whether such a remark was made; asked as often as it was, it was not made once more."""
        self._notes[text] -= 1
        return self._notes[text] >= 0

    def _keep(self, event: RunEvent) -> None:
        self.resumes = True
        self._time(event)
        match event.body:
            case Answered() as answer:
                self._answers[answer.asked].append(answer)
            case CallEnded() as ended:
                result = ToolResult(text=ended.text, error=ended.error, provenance=ended.provenance)
                self._results[call_key(ended.call.tool, ended.call.arguments)].append(result)
                self.decision(ended.call)
            case Decided() as decided:
                self._decisions[call_key(decided.call.tool, decided.call.arguments)].append(decided)
            case Noted(text=text):
                self._notes[text] += 1
            case TextDelta(text=text):
                self.told += text
            case Rewritten(keeps=keeps):
                self.told = self.told[:keeps]

    def _time(self, event: RunEvent) -> None:
        """Add the time up to an event to the seconds in which the run was worked on."""
        idle = isinstance(event.body, Decided | Resumed) or event.body == Paused(reason="interrupted")
        if self._newest and not idle:
            self.seconds += (event.at - self._newest.at).total_seconds()
        self._newest = event


def call_key(tool: str, arguments: Mapping[str, Any]) -> CallKey:
    """What two calls have in common that do the same."""
    return tool, msgspec.json.encode(arguments, order="sorted")


def digest(*asked: object) -> str:
    """A short name for what was asked, the same for the same."""
    return blake2b(msgspec.json.encode(asked, order="sorted"), digest_size=16).hexdigest()


def _next(waiting: deque[T]) -> T | None:
    return waiting.popleft() if waiting else None


def waiting_calls(history: Iterable[RunEvent]) -> tuple[PendingCall, ...]:
    """The calls that a paused run waits for, those decided on since left out."""
    waiting: dict[str, PendingCall] = {}
    for event in history:
        match event.body:
            case Paused(calls=calls):
                waiting = {pending.call.identifier: pending for pending in calls}
            case Decided(call=call):
                waiting.pop(call.identifier, None)
            case Resumed():
                waiting = {}
    return tuple(waiting.values())
