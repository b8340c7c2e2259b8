"""When the calls of one run were written and when their results were there."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime

import msgspec

from jackfield.contracts.runs import RunRequest
from jackfield.contracts.tools import CallMode
from jackfield.errors import EngineFailure, error_from_code
from jackfield.events import (
    CallEnded,
    CallRefused,
    CallWritten,
    Cancelled,
    Failed,
    Finished,
    RunEvent,
    Started,
    TextDelta,
)
from jackfield.workbench import Workbench


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds: that it took to write each call, that each ran, from the first token to the last result, to the end.

    `tokens_meanwhile` were written while calls ran, all calls added up.
    """

    decode: tuple[float, ...]
    execution: tuple[float, ...]
    results: float
    whole: float
    tokens_meanwhile: int
    tokens: int
    text: str


async def timeline(workbench: Workbench, request: RunRequest, mode: CallMode) -> Timeline:
    """Run a request and time it; raises the error that it ended with."""
    run = await workbench.start(request)
    async with aclosing(workbench.watch(run.id)) as events:
        return timed([event async for event in events], mode)


def timed(events: list[RunEvent], mode: CallMode) -> Timeline:
    """The times that a run's events tell; raises the error that it ended with, or a call of it.

    Writing a call begins where the one before was written or, in sync mode, where its result was there.
    """
    resumed = started = at_result = events[0].at
    decode: dict[str, float] = {}
    ended: dict[str, CallEnded] = {}
    texts: list[str] = []
    for event in events:
        match event.body:
            case Started():
                resumed = started = at_result = event.at
            case TextDelta(text=text):
                texts.append(text)
            case CallWritten(call=call):
                decode[call.identifier] = _seconds(resumed, event.at)
                resumed = event.at
            case CallRefused(reason=reason) | CallEnded(error=True, text=reason):
                raise EngineFailure(f"A call that was given beforehand did not go well: {reason}")
            case CallEnded(call=call):
                ended[call.identifier] = event.body
                at_result = event.at
                resumed = event.at if mode == "sync" else resumed
            case Failed(code=code, message=message):
                raise error_from_code(code, message)
            case Cancelled():
                raise EngineFailure("A run of the bench was stopped before its end.")
    last = events[-1]
    if not isinstance(last.body, Finished) or decode.keys() != ended.keys():
        raise EngineFailure(f"A run of the bench wrote {len(decode)} calls and had {len(ended)} results.")
    return Timeline(
        decode=tuple(decode.values()),
        execution=tuple(ended[call].seconds for call in decode),
        results=_seconds(started, at_result),
        whole=_seconds(started, last.at),
        tokens_meanwhile=sum(each.tokens_meanwhile for each in ended.values()),
        tokens=last.body.usage.completion_tokens,
        text="".join(texts),
    )


def _seconds(begin: datetime, end: datetime) -> float:
    return (end - begin).total_seconds()
