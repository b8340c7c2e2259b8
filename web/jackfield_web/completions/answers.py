"""From runs to text completions: whole, or chunk by chunk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from msgspec import UNSET, UnsetType

from jackfield.contracts.runs import RunRecord
from jackfield.events import Finished, TextDelta, Usage
from jackfield_web.answers.answers import AnswerEvent
from jackfield_web.answers.written import Written
from jackfield_web.completions.logprobs import LogprobWriter
from jackfield_web.completions.replies import Completion, CompletionChoice
from jackfield_web.completions.requests import CompletionRequest
from jackfield_web.generation import SYSTEM_FINGERPRINT, wants_usage_chunk
from jackfield_web.usage import CompletionUsage, usage_of


def completion(request: CompletionRequest, runs: Sequence[RunRecord], written: Sequence[Written]) -> Completion:
    """All choices of all prompts in one object."""
    choices = [
        CompletionChoice(
            index=index,
            text=choice.text,
            logprobs=None if request.logprobs is None else LogprobWriter().logprobs(choice.scores),
            finish_reason=choice.end.reason,
        )
        for index, choice in enumerate(written)
    ]
    usage = usage_of([choice.end.usage for choice in written], choices_per_prompt=request.n or 1)
    return _completion(runs[0], choices, usage)


class CompletionChunks:
    """Writes a stream's chunks: text, then why it ended, then the counts if asked for."""

    def __init__(self, request: CompletionRequest, runs: Sequence[RunRecord]) -> None:
        self._request = request
        self._run = runs[0]
        self._usages: dict[int, Usage] = {}
        self._logprobs: defaultdict[int, LogprobWriter] = defaultdict(LogprobWriter)

    def chunks(self, index: int, event: AnswerEvent) -> Iterator[Completion]:
        """What one event of one choice is on the wire."""
        match event:
            case TextDelta() if event.text or event.scores:
                asked = self._request.logprobs is not None
                logprobs = self._logprobs[index].logprobs(event.scores) if asked else None
                yield self._chunk(CompletionChoice(index=index, text=event.text, logprobs=logprobs))
            case Finished():
                self._usages[index] = event.usage
                yield self._chunk(CompletionChoice(index=index, text="", finish_reason=event.reason))
            case _:
                pass

    def closing_chunks(self) -> Iterator[Completion]:
        """The token counts, where they were asked for."""
        if wants_usage_chunk(self._request):
            usages = [self._usages[index] for index in sorted(self._usages)]
            yield self._chunk(usage=usage_of(usages, choices_per_prompt=self._request.n or 1))

    def _chunk(self, *choices: CompletionChoice, usage: CompletionUsage | None = None) -> Completion:
        return _completion(self._run, list(choices), usage if wants_usage_chunk(self._request) else UNSET)


def _completion(
    run: RunRecord, choices: list[CompletionChoice], usage: CompletionUsage | UnsetType | None
) -> Completion:
    return Completion(
        id=f"cmpl-{run.id.removeprefix('run_')}",
        created=int(run.created_at.timestamp()),
        model=run.request.model,
        choices=choices,
        system_fingerprint=SYSTEM_FINGERPRINT,
        usage=usage,
    )
