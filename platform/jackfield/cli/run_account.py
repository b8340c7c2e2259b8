"""What the events of a run come to: its text, its calls with their times, what it waits for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from jackfield.errors import JackfieldError, error_from_code
from jackfield.events import (
    CallEnded,
    CallRefused,
    CallStarted,
    Cancelled,
    Decided,
    Failed,
    Finished,
    FinishReason,
    Noted,
    Paused,
    PendingCall,
    Resumed,
    Rewritten,
    RunEvent,
    SourcesFound,
    Started,
    TextDelta,
    Usage,
)
from jackfield.messages import Provenance


class EndedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was run or denied. The model wrote `tokens_meanwhile` in its `seconds`."""

    call: str
    tool: str
    arguments: dict[str, Any]
    result: str
    error: bool
    provenance: Provenance
    started_at: datetime | None
    ended_at: datetime
    seconds: float
    tokens_meanwhile: int


class RunAccount:
    """Takes a run's events in their order."""

    def __init__(self) -> None:
        self.number = 0
        self.model = ""
        self.text = ""
        self.usage: Usage | None = None
        self.reason: FinishReason | None = None
        self.error: JackfieldError | None = None
        self.calls: list[EndedCall] = []
        self.refused: list[CallRefused] = []
        self.notes: list[str] = []
        self.found: SourcesFound | None = None
        self.waiting: dict[str, PendingCall] = {}
        self.running: dict[str, str] = {}
        """The tools of calls that have begun, by the calls' identifiers."""
        self._started: dict[str, datetime] = {}

    def take(self, event: RunEvent) -> None:
        """Add the next event."""
        self.number = event.number
        match event.body:
            case SourcesFound() as found:
                self.found = found.behind(self.found)
            case Started(model=model):
                self.model = model
            case TextDelta(text=text):
                self.text += text
            case Rewritten(keeps=keeps):
                self.text = self.text[:keeps]
            case Noted(text=text):
                self.notes.append(text)
            case Finished(reason=reason, usage=usage):
                self.reason, self.usage = reason, usage
            case Cancelled(usage=stopped_at):
                self.waiting.clear()
                self.usage = stopped_at
            case Failed() as failed:
                self.error = error_from_code(failed.code, failed.message)
            case _:
                self._take_call(event)

    def _take_call(self, event: RunEvent) -> None:
        match event.body:
            case CallStarted(call=call, tool=tool):
                self._started[call] = event.at
                self.running[call] = tool
            case CallRefused() as refused:
                self.running.pop(refused.call, None)
                self.refused.append(refused)
            case CallEnded() as ended:
                self.running.pop(ended.call.identifier, None)
                self.calls.append(_ended(ended, self._started.get(ended.call.identifier), event.at))
            case Paused(calls=calls):
                self.running.clear()
                self.waiting = {pending.call.identifier: pending for pending in calls}
            case Decided(call=decided):
                self.waiting.pop(decided.identifier, None)
            case Resumed():
                self.waiting.clear()


def _ended(ended: CallEnded, started_at: datetime | None, at: datetime) -> EndedCall:
    return EndedCall(
        call=ended.call.identifier,
        tool=ended.call.tool,
        arguments=ended.call.arguments,
        result=ended.text,
        error=ended.error,
        provenance=ended.provenance,
        started_at=started_at,
        ended_at=at,
        seconds=round(ended.seconds, 6),
        tokens_meanwhile=ended.tokens_meanwhile,
    )
