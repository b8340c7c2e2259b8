"""From a run to a response, as far as it has come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import UNSET

from jackfield.contracts.runs import RunRecord
from jackfield.errors import InvalidRequest, QuotaReached, error_from_code
from jackfield.events import Cancelled, Failed, Finished, RunEvent, SourcesFound, Usage
from jackfield.runs.citations import citations
from jackfield_web.answers.sources import told_sources
from jackfield_web.answers.written import Part, Transcript, Written
from jackfield_web.responses.replies import (
    FileCitation,
    IncompleteDetails,
    InputTokensDetails,
    ItemStatus,
    OutputCall,
    OutputItem,
    OutputMessage,
    OutputText,
    Response,
    ResponseFault,
    ResponseStatus,
    ResponseUsage,
)
from jackfield_web.responses.requests import Echo, TextConfig, echo_of

End = Finished | Failed | Cancelled


def identifier_of(run_id: str) -> str:
    """The response's identifier; that of its run begins with `run_` instead."""
    return f"resp_{run_id.removeprefix('run_')}"


def run_id_of(response_id: str) -> str:
    """The identifier of a response's run."""
    return f"run_{response_id.removeprefix('resp_')}"


def response_written(run: RunRecord, written: Written) -> Response:
    """A response that ended well."""
    return response_so_far(run, written.parts, written.end, found=written.found)


def response_on_record(run: RunRecord, events: Iterable[RunEvent]) -> Response:
    """A response as its run's events tell it."""
    transcript, end = Transcript(), None
    for event in events:
        if isinstance(event.body, End):
            end = event.body
        transcript.add(event.body)
    return response_so_far(run, transcript.parts, end, found=transcript.found)


def response_so_far(
    run: RunRecord, parts: Sequence[Part], end: End | None, *, found: SourcesFound | None = None
) -> Response:
    """A response with what was written of it, from the sources that were found, and how it ended if it did."""
    echo = echo_of(run.request) or Echo()
    status = _status(run, end)
    return Response(
        id=identifier_of(run.id),
        created_at=int(run.created_at.timestamp()),
        completed_at=int(run.finished_at.timestamp()) if run.finished_at and status == "completed" else None,
        status=status,
        error=_fault(end) if isinstance(end, Failed) else None,
        incomplete_details=IncompleteDetails() if status == "incomplete" else None,
        model=run.request.model,
        output=[output_item(run, index, part, ended=end is not None, found=found) for index, part in enumerate(parts)],
        sources=UNSET if found is None else told_sources(found.sources, _text(parts)),
        usage=_usage(end.usage) if isinstance(end, Finished | Cancelled) and end.usage else None,
        instructions=echo.instructions,
        previous_response_id=echo.previous_response_id,
        tools=echo.tools or [],
        tool_choice=echo.tool_choice or "auto",
        parallel_tool_calls=echo.parallel_tool_calls is not False,
        max_output_tokens=echo.max_output_tokens,
        temperature=echo.temperature,
        top_p=echo.top_p,
        text=echo.text or TextConfig(),
        metadata=echo.metadata or {},
        store=echo.store is not False,
        background=echo.background is True,
        user=echo.user,
    )


def output_item(
    run: RunRecord, index: int, part: Part, *, ended: bool, found: SourcesFound | None = None
) -> OutputItem:
    """What was written, as an item; only a call can be cut short, since text is whole wherever it ends."""
    suffix = f"{run.id.removeprefix('run_')}_{index}"
    if isinstance(part, str):
        status: ItemStatus = "completed" if ended else "in_progress"
        text = OutputText(text=part, annotations=_annotations(part, found))
        return OutputMessage(id=f"msg_{suffix}", status=status, content=[text])
    unfinished: ItemStatus = "incomplete" if ended else "in_progress"
    return OutputCall(
        id=f"fc_{suffix}",
        status="completed" if part.call else unfinished,
        call_id=part.identifier,
        name=part.tool,
        arguments=part.arguments,
    )


def _annotations(text: str, found: SourcesFound | None) -> list[FileCitation]:
    return [
        FileCitation(
            file_id=cited.source.id,
            filename=cited.source.path,
            index=cited.start,
            number=cited.source.number,
            collection=cited.source.collection,
            version=cited.source.version,
            start=cited.source.start,
            end=cited.source.end,
        )
        for cited in citations(text, found.sources if found else ())
        if cited.source.kind == "file"
    ]


def _text(parts: Sequence[Part]) -> str:
    return "".join(part for part in parts if isinstance(part, str))


def _status(run: RunRecord, end: End | None) -> ResponseStatus:
    match end:
        case Finished(reason="length"):
            return "incomplete"
        case Finished():
            return "completed"
        case Failed():
            return "failed"
        case Cancelled():
            return "cancelled"
    return "queued" if run.state == "queued" else "in_progress"


def _fault(end: Failed) -> ResponseFault:
    match error_from_code(end.code, end.message):
        case InvalidRequest():
            return ResponseFault(code="invalid_prompt", message=end.message)
        case QuotaReached():
            return ResponseFault(code="rate_limit_exceeded", message=end.message)
    return ResponseFault(code="server_error", message=end.message)


def _usage(usage: Usage) -> ResponseUsage:
    return ResponseUsage(
        input_tokens=usage.prompt_tokens,
        input_tokens_details=InputTokensDetails(cached_tokens=usage.cached_tokens),
        output_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
    )
