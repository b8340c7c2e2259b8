"""From runs to a chat answer: whole, or chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import UNSET, UnsetType

from jackfield.contracts.runs import RunRecord
from jackfield.events import (
    CallOpened,
    CallText,
    CallWritten,
    Finished,
    FinishReason,
    Rewritten,
    SourcesFound,
    Started,
    TextDelta,
    TokenScore,
    Usage,
)
from jackfield_web.answers.answers import AnswerEvent
from jackfield_web.answers.sources import ToldSource, told_sources
from jackfield_web.answers.written import Transcript, Written
from jackfield_web.chat.call_deltas import CallDeltas, answered_calls, called_function
from jackfield_web.chat.logprobs import choice_logprobs
from jackfield_web.chat.replies import (
    AnswerMessage,
    ChatChoice,
    ChatChunk,
    ChatCompletion,
    ChatFinishReason,
    ChoiceLogprobs,
    ChunkChoice,
    Delta,
)
from jackfield_web.chat.requests import ChatRequest
from jackfield_web.chat.tool_use import in_old_style
from jackfield_web.generation import SYSTEM_FINGERPRINT, wants_usage_chunk
from jackfield_web.usage import CompletionUsage, usage_of


def chat_completion(request: ChatRequest, runs: Sequence[RunRecord], written: Sequence[Written]) -> ChatCompletion:
    """All choices in one object."""
    return ChatCompletion(
        id=_identifier(runs[0]),
        created=int(runs[0].created_at.timestamp()),
        model=runs[0].request.model,
        choices=[
            ChatChoice(
                index=index,
                message=_message(request, choice),
                logprobs=_logprobs(request, choice.scores),
                finish_reason=_finish_reason(request, choice.end.reason),
            )
            for index, choice in enumerate(written)
        ],
        usage=usage_of([choice.end.usage for choice in written], choices_per_prompt=len(written)),
        system_fingerprint=SYSTEM_FINGERPRINT,
    )


class ChatChunks:
    """Writes a stream's chunks: a role first, then text and calls, then why it ended, then the counts if asked for."""

    def __init__(self, request: ChatRequest, runs: Sequence[RunRecord]) -> None:
        self._request = request
        self._run = runs[0]
        self._usages: list[Usage] = []
        self._begun: set[int] = set()
        self._transcripts = [Transcript() for _ in runs]
        self._calls = [CallDeltas(old_style=in_old_style(request)) for _ in runs]

    def chunks(self, index: int, event: AnswerEvent) -> Iterator[ChatChunk]:
        """What one event of one choice is on the wire."""
        if isinstance(event, SourcesFound | TextDelta | Rewritten):
            self._transcripts[index].add(event)
        match event:
            case Started() if not (self._request.tools or self._request.functions):
                yield from self._begin(index, "")
            case TextDelta() if event.text or event.scores:
                yield from self._begin(index, "")
                logprobs = _logprobs(self._request, event.scores)
                yield self._chunk(ChunkChoice(index=index, delta=Delta(content=event.text), logprobs=logprobs))
            case CallOpened() | CallText() | CallWritten():
                for delta in self._calls[index].deltas(event):
                    yield from self._begin(index, None)
                    yield self._chunk(ChunkChoice(index=index, delta=delta))
            case Finished():
                self._usages.append(event.usage)
                yield from self._begin(index, "")
                reason = _finish_reason(self._request, event.reason)
                delta = Delta(sources=_sources(self._transcripts[index].written(event)))
                yield self._chunk(ChunkChoice(index=index, delta=delta, finish_reason=reason))

    def closing_chunks(self) -> Iterator[ChatChunk]:
        """The token counts, where they were asked for."""
        if wants_usage_chunk(self._request):
            yield self._chunk(usage=usage_of(self._usages, choices_per_prompt=len(self._usages)))

    def _begin(self, index: int, content: str | None) -> Iterator[ChatChunk]:
        """The chunk with a choice's role, once; where a call could come first it waits, to say that no text does."""
        if index not in self._begun:
            self._begun.add(index)
            yield self._chunk(ChunkChoice(index=index, delta=Delta(role="assistant", content=content)))

    def _chunk(self, *choices: ChunkChoice, usage: CompletionUsage | None = None) -> ChatChunk:
        shown: CompletionUsage | UnsetType | None = usage if wants_usage_chunk(self._request) else UNSET
        return ChatChunk(
            id=_identifier(self._run),
            created=int(self._run.created_at.timestamp()),
            model=self._run.request.model,
            choices=list(choices),
            system_fingerprint=SYSTEM_FINGERPRINT,
            usage=shown,
        )


def _identifier(run: RunRecord) -> str:
    """The answer's identifier; that of its first run begins with `run_` instead."""
    return f"chatcmpl-{run.id.removeprefix('run_')}"


def _message(request: ChatRequest, written: Written) -> AnswerMessage:
    sources = _sources(written)
    if not written.calls:
        return AnswerMessage(content=written.text, sources=sources)
    content = written.text or None
    if in_old_style(request):
        return AnswerMessage(content=content, function_call=called_function(written.calls[0]), sources=sources)
    return AnswerMessage(content=content, tool_calls=answered_calls(written.calls), sources=sources)


def _sources(written: Written) -> list[ToldSource] | UnsetType:
    return UNSET if written.found is None else told_sources(written.found.sources, written.text)


def _finish_reason(request: ChatRequest, reason: FinishReason) -> ChatFinishReason:
    return "function_call" if reason == "tool_calls" and in_old_style(request) else reason


def _logprobs(request: ChatRequest, scores: Sequence[TokenScore]) -> ChoiceLogprobs | None:
    return choice_logprobs(scores) if request.logprobs else None
