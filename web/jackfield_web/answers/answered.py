"""From runs to what a client gets: their whole text, or a stream of chunks."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Any, Protocol

import msgspec
from litestar import Request

from jackfield.contracts.runs import RunRecord, RunRequest
from jackfield.errors import RunInterrupted
from jackfield.events import CallWritten, Finished, Rewritten, TextDelta, TokenScore
from jackfield.messages import Call
from jackfield_web.answers.answers import AnswerEvent, Answers
from jackfield_web.answers.departure import unless_gone
from jackfield_web.answers.event_stream import KEEP_ALIVE, KEEP_ALIVE_SECONDS, EventStream, framed
from jackfield_web.errors import problem_of

DONE = framed(b"[DONE]")
"""What OpenAI's streams end with."""


RUN_HEADER = "x-jackfield-run"
"""Names an answer's runs, by which `/api/runs` shows, follows and cancels them."""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What one run wrote: its text, calls for the caller to run, scores of its tokens where asked for, how it ended."""

    text: str
    calls: tuple[Call, ...]
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
    calls: list[list[Call]] = [[] for _ in answers.runs]
    ends: dict[int, Finished] = {}
    async with aclosing(answers.events()) as events:
        async for index, event in events:
            match event:
                case TextDelta():
                    deltas[index].append(event)
                case Rewritten(keeps=keeps):
                    deltas[index] = _first(keeps, deltas[index])
                case CallWritten(call=call, ours=False):
                    calls[index].append(call)
                case Finished():
                    ends[index] = event
    return [_written(deltas[index], calls[index], ends[index]) for index in range(len(answers.runs))]


def _written(deltas: Sequence[TextDelta], calls: Sequence[Call], end: Finished) -> Written:
    scores = tuple(score for delta in deltas for score in delta.scores)
    return Written(text="".join(delta.text for delta in deltas), calls=tuple(calls), scores=scores, end=end)


def _first(length: int, deltas: Sequence[TextDelta]) -> list[TextDelta]:
    """The deltas of the first `length` characters; one that reaches beyond them loses the scores of its tokens."""
    kept: list[TextDelta] = []
    for delta in deltas:
        if len(delta.text) > length:
            kept.append(TextDelta(text=delta.text[:length], tokens=0))
            break
        kept.append(delta)
        length -= len(delta.text)
    return kept


async def chunk_events(
    answers: Answers, writer: ChunkWriter, *, patience: float = KEEP_ALIVE_SECONDS
) -> AsyncGenerator[bytes]:
    """The events of a stream of chunks; a comment whenever there was nothing to send for `patience` seconds."""
    encode = msgspec.json.Encoder().encode
    sent: Counter[int] = Counter()
    try:
        async with aclosing(answers.events_or_silence(patience)) as events:
            async for indexed in events:
                if indexed is None:
                    yield KEEP_ALIVE
                    continue
                _count(sent, *indexed)
                for chunk in writer.chunks(*indexed):
                    yield framed(encode(chunk))
        for chunk in writer.closing_chunks():
            yield framed(encode(chunk))
    except Exception as error:  # noqa: BLE001 - the status has been sent; the client learns of it as an event
        yield framed(encode(problem_of(error).body))
    else:
        yield DONE


def _count(sent: Counter[int], index: int, event: AnswerEvent) -> None:
    """Keep count of the text that was sent; raises RunInterrupted where some of it is not to stand."""
    match event:
        case TextDelta(text=text):
            sent[index] += len(text)
        case Rewritten(keeps=keeps) if keeps < sent[index]:
            raise RunInterrupted("The run was interrupted, and its answer goes on differently from what was sent.")
