"""From runs to what a client gets: all that they wrote, or a stream of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from litestar import Request

from jackfield.contracts.runs import RunRecord, RunRequest
from jackfield.events import Finished
from jackfield_web.answers.answers import Answers
from jackfield_web.answers.departure import unless_gone
from jackfield_web.answers.event_stream import EventStream
from jackfield_web.answers.frames import MakeWriter, frames_of
from jackfield_web.answers.written import Transcript, Written

RUN_HEADER = "x-jackfield-run"
"""Names an answer's runs, by which `/api/runs` shows, follows and cancels them."""


def run_headers(runs: Sequence[RunRecord]) -> dict[str, str]:
    """The header that tells a client which runs its answer comes from, in the order of its choices."""
    return {RUN_HEADER: ", ".join(run.id for run in runs)}


async def whole(request: Request[Any, Any, Any], answers: Answers, asked: Sequence[RunRequest]) -> list[Written]:
    """What every run wrote, once all have finished; a client that hangs up takes its runs along."""
    try:
        await answers.start(asked)
        return await unless_gone(request.receive, _read_to_the_end(answers))
    finally:
        await answers.close()


async def streamed(
    request: Request[Any, Any, Any], answers: Answers, asked: Sequence[RunRequest], writer: MakeWriter
) -> EventStream:
    """A stream, once no run can fail any more before it writes; an error from then on is an event."""
    try:
        await answers.start(asked)
        await unless_gone(request.receive, answers.settle())
        events = frames_of(answers, writer(answers.runs))
        return EventStream(events, answers.close, headers=run_headers(answers.runs))
    except BaseException:
        await answers.close()
        raise


async def _read_to_the_end(answers: Answers) -> list[Written]:
    transcripts = [Transcript() for _ in answers.runs]
    ends: dict[int, Finished] = {}
    async with aclosing(answers.events()) as events:
        async for index, event in events:
            transcripts[index].add(event)
            if isinstance(event, Finished):
                ends[index] = event
    return [transcript.written(ends[index]) for index, transcript in enumerate(transcripts)]
