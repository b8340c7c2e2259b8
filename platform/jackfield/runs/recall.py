"""What a run's question is about, looked up before the prompt is assembled, as numbered sources to cite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from jackfield.contracts.runs import RunRecord, RunRequest
from jackfield.errors import InvalidRequest
from jackfield.events import RunEvent, Source, SourcesFound
from jackfield.files.sources import shown_name
from jackfield.messages import Message, Span
from jackfield.runs.run_model import RunModel
from jackfield.tools.provenance import is_tainted

SHARE = 0.5
"""Of the context that the conversation leaves free, sources take at most this much."""

LONGEST_QUESTION = 2_000
"""Characters that are looked for; of a longer question its end, which is said."""

INSTRUCTION = (
    "Answer the question from the sources below, in whole sentences, each with the number of its source behind it, as "
    "the sources have it."
)
"""Small models do as the sources do: with the number before a text, they answered with the number alone."""


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What one finder found, the best first, each with the number 0; `notice` says what it could not do."""

    sources: tuple[Source, ...] = ()
    notice: str = ""


class SourceFinder(Protocol):
    """Looks up what a question is about, such as in files."""

    async def found(self, run: RunRecord, question: str) -> Findings | None:
        """None for a run that asks for nothing of the kind. What it raises ends the run."""
        ...


class Recall:
    """Asks finders, in the order in which their sources are to be numbered."""

    def __init__(self, finders: Sequence[SourceFinder] = ()) -> None:
        self._finders = tuple(finders)

    async def found(self, run: RunRecord, model: RunModel) -> SourcesFound | None:
        """What there is for a run's last question; None where it asks for nothing. Raises what finders raise."""
        question = last_question(run.request.messages)
        asked = [await finder.found(run, question[-LONGEST_QUESTION:]) for finder in self._finders]
        findings = [finding for finding in asked if finding is not None]
        if not findings:
            return None
        if run.request.prompt is not None:
            raise InvalidRequest("Sources are looked up for messages, not for a raw prompt.", parameter="prompt")
        notices = [finding.notice for finding in findings if finding.notice]
        if len(question) > LONGEST_QUESTION:
            notices.append(f"Of the question, its last {LONGEST_QUESTION} characters were looked for.")
        every = [source for finding in findings for source in finding.sources]
        fitting = await _fitting(every, run.request.messages, model)
        return SourcesFound(
            sources=tuple(_numbered(fitting)), left_out=len(every) - len(fitting), notice=" ".join(notices)
        )


def sources_on_record(history: Iterable[RunEvent]) -> SourcesFound | None:
    """What was looked up for a run before it was interrupted."""
    found = (event.body for event in history if isinstance(event.body, SourcesFound))
    return next((looked_up for looked_up in found if not looked_up.call), None)


def all_on_record(history: Iterable[RunEvent]) -> tuple[Source, ...]:
    """Every source that a run was given so far, by its calls too."""
    found = (event.body for event in history if isinstance(event.body, SourcesFound))
    return tuple(source for sources in found for source in sources.sources)


def with_sources(request: RunRequest, found: SourcesFound | None) -> RunRequest:
    """The request with the sources before its last question, none of which may command."""
    if found is None or not found.sources:
        return request
    messages = list(request.messages)
    place = _question_place(messages)
    question = messages[place]
    messages[place] = msgspec.structs.replace(question, spans=(*_shown(found.sources), *question.spans))
    return msgspec.structs.replace(request, messages=tuple(messages))


def last_question(messages: Sequence[Message]) -> str:
    """What somebody asked last, without what was put in from elsewhere; empty where nobody asked."""
    place = _question_place(messages)
    if place < 0:
        return ""
    return "".join(span.text for span in messages[place].spans if not is_tainted(span)).strip()


async def _fitting(sources: Sequence[Source], messages: Sequence[Message], model: RunModel) -> list[Source]:
    """The best of them that have room together; a short one may where a longer one before it did not."""
    if not sources:
        return []
    room = SHARE * (await model.context_length() - await model.count_tokens(messages))
    room -= sum(await model.text_tokens([INSTRUCTION]))
    lengths = await model.text_tokens([_block(source) for source in sources])
    fitting = []
    for source, length in zip(sources, lengths, strict=True):
        if length <= room:
            fitting.append(source)
            room -= length
    return fitting


def _numbered(sources: Iterable[Source]) -> Iterable[Source]:
    return (msgspec.structs.replace(source, number=number) for number, source in enumerate(sources, 1))


def _shown(sources: Sequence[Source]) -> tuple[Span, ...]:
    """The sources as spans before a question. Our own words among them command nothing either."""
    first, last = Span(f"{INSTRUCTION}\n\n", "file"), Span("Question: ", "file")
    return (first, *(Span(_block(source), source.provenance) for source in sources), last)


def _block(source: Source) -> str:
    """What was remembered has no name: a small model would say it back."""
    name = "" if source.kind == "memory" else f"({shown_name(source)})\n\n"
    return f"{name}{source.text.strip()} [{source.number}]\n\n"


def _question_place(messages: Sequence[Message]) -> int:
    """Where the last message of a person is; -1 where there is none."""
    return next((place for place in reversed(range(len(messages))) if messages[place].role == "user"), -1)
