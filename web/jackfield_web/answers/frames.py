"""From a run's events to server-sent events, in the words of one protocol or another."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import Protocol

import msgspec

from jackfield.contracts.runs import RunRecord
from jackfield.errors import RunInterrupted
from jackfield.events import Rewritten, TextDelta
from jackfield_web.answers.answers import AnswerEvent, Answers
from jackfield_web.answers.event_stream import KEEP_ALIVE, KEEP_ALIVE_SECONDS, framed
from jackfield_web.errors import problem_of

DONE = framed(b"[DONE]")
"""What OpenAI's streams of chunks end with."""


class FrameWriter(Protocol):
    """Turns events into the server-sent events of one protocol."""

    @property
    def silence(self) -> bytes:
        """What keeps the connection open while nothing is written."""
        ...

    def frames(self, index: int, event: AnswerEvent) -> Iterable[bytes]:
        """What one event of one run is on the wire."""
        ...

    def closing(self) -> Iterable[bytes]:
        """What comes when all runs have finished."""
        ...

    def failing(self, error: Exception) -> Iterable[bytes]:
        """What tells of an error, since the status has been sent; nothing follows."""
        ...


class ChunkWriter(Protocol):
    """Turns events into the chunks of an OpenAI protocol that sends them without names."""

    def chunks(self, index: int, event: AnswerEvent) -> Iterable[msgspec.Struct]:
        """What one event of one run is on the wire."""
        ...

    def closing_chunks(self) -> Iterable[msgspec.Struct]:
        """What comes when all runs have finished."""
        ...


MakeWriter = Callable[[Sequence[RunRecord]], FrameWriter]


class ChunkFrames:
    """Frames chunks as chat and text completions do: without names, and `[DONE]` at the end."""

    silence = KEEP_ALIVE

    def __init__(self, writer: ChunkWriter) -> None:
        self._writer = writer
        self._encode = msgspec.json.Encoder().encode

    def frames(self, index: int, event: AnswerEvent) -> Iterator[bytes]:
        """Each chunk of an event."""
        for chunk in self._writer.chunks(index, event):
            yield framed(self._encode(chunk))

    def closing(self) -> Iterator[bytes]:
        """The last chunks, and that they were."""
        for chunk in self._writer.closing_chunks():
            yield framed(self._encode(chunk))
        yield DONE

    def failing(self, error: Exception) -> Iterator[bytes]:
        """OpenAI's error body."""
        yield framed(self._encode(problem_of(error).body))


def in_chunks(make: Callable[[Sequence[RunRecord]], ChunkWriter]) -> MakeWriter:
    """A maker of chunk writers as a maker of frame writers."""
    return lambda runs: ChunkFrames(make(runs))


async def frames_of(
    answers: Answers, writer: FrameWriter, *, patience: float = KEEP_ALIVE_SECONDS
) -> AsyncGenerator[bytes]:
    """The frames of a stream, with a sign of life whenever there was nothing to send for `patience` seconds."""
    sent: Counter[int] = Counter()
    try:
        async with aclosing(answers.events_or_silence(patience)) as events:
            async for indexed in events:
                if indexed is None:
                    yield writer.silence
                    continue
                _count(sent, *indexed)
                for frame in writer.frames(*indexed):
                    yield frame
        for frame in writer.closing():
            yield frame
    except Exception as error:  # noqa: BLE001 - the status has been sent; the client learns of it as an event
        for frame in writer.failing(error):
            yield frame


def _count(sent: Counter[int], index: int, event: AnswerEvent) -> None:
    """Keep count of the text that was sent; raises RunInterrupted where some of it is not to stand."""
    match event:
        case TextDelta(text=text):
            sent[index] += len(text)
        case Rewritten(keeps=keeps) if keeps < sent[index]:
            raise RunInterrupted("The run was interrupted, and its answer goes on differently from what was sent.")
