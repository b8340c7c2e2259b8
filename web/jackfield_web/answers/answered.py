"""From runs to what a client gets: their whole text, or a stream of chunks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Any, Protocol

import msgspec
from litestar import Request

from jackfield.contracts.runs import RunRecord, RunRequest
from jackfield.events import Finished, TextDelta, TokenScore
from jackfield_web.answers.answers import AnswerEvent, Answers
from jackfield_web.answers.departure import unless_gone
from jackfield_web.answers.event_stream import KEEP_ALIVE, KEEP_ALIVE_SECONDS, EventStream, framed
from jackfield_web.errors import problem_of

DONE = framed(b"[DONE]")
"""What OpenAI's streams end with."""


RUN_HEADER = "x-jackfield-run"
"""Names an answer's runs, by which `/api/runs` shows, follows and cancels them."""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What one run wrote: its text, the scores of its tokens where asked for, and how it ended."""

    text: str
    scores: tuple[TokenScore, ...]
    end: Finished


class ChunkWriter(Protocol):
    """Turns events into the chunks of one protocol."""

    def chunks(self, index: int, event: AnswerEvent) -> Iterable[msgspec.Struct]:
        """What one event of one run is on the wire."""
        ...

    def closing_chunks(self) -> Iterable[msgspec.Struct]:
        """What comes when all runs have finished."""
        ...


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
    request: Request[Any, Any, Any],
    answers: Answers,
    asked: Sequence[RunRequest],
    writer: Callable[[Sequence[RunRecord]], ChunkWriter],
) -> EventStream:
    """A stream of chunks, once no run can fail any more before it writes; an error from then on is an event."""
    try:
        await answers.start(asked)
        await unless_gone(request.receive, answers.settle())
        events = chunk_events(answers, writer(answers.runs))
        return EventStream(events, answers.close, headers=run_headers(answers.runs))
    except BaseException:
        await answers.close()
        raise


async def _read_to_the_end(answers: Answers) -> list[Written]:
    deltas: list[list[TextDelta]] = [[] for _ in answers.runs]
    ends: dict[int, Finished] = {}
    async with aclosing(answers.events()) as events:
        async for index, event in events:
            match event:
                case TextDelta():
                    deltas[index].append(event)
                case Finished():
                    ends[index] = event
    return [_written(deltas[index], ends[index]) for index in range(len(answers.runs))]


def _written(deltas: Sequence[TextDelta], end: Finished) -> Written:
    scores = tuple(score for delta in deltas for score in delta.scores)
    return Written(text="".join(delta.text for delta in deltas), scores=scores, end=end)


async def chunk_events(
    answers: Answers, writer: ChunkWriter, *, patience: float = KEEP_ALIVE_SECONDS
) -> AsyncGenerator[bytes]:
    """The events of a stream of chunks; a comment whenever there was nothing to send for `patience` seconds."""
    encode = msgspec.json.Encoder().encode
    try:
        async with aclosing(answers.events_or_silence(patience)) as events:
            async for indexed in events:
                if indexed is None:
                    yield KEEP_ALIVE
                    continue
                for chunk in writer.chunks(*indexed):
                    yield framed(encode(chunk))
        for chunk in writer.closing_chunks():
            yield framed(encode(chunk))
    except Exception as error:  # noqa: BLE001 - the status has been sent; the client learns of it as an event
        yield framed(encode(problem_of(error).body))
    else:
        yield DONE
