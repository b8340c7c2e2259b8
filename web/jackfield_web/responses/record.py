"""Responses on record: every one is a run's."""

from __future__ import annotations

from jackfield.contracts.identity import Principal
from jackfield.contracts.runs import RunRecord
from jackfield.errors import InvalidRequest, NotFound, RunNotFound
from jackfield.messages import Message, Span
from jackfield.workbench import Workbench
from jackfield_web.answers.written import Transcript
from jackfield_web.identity.rights import check_owner
from jackfield_web.responses.answers import response_on_record, run_id_of
from jackfield_web.responses.replies import Response
from jackfield_web.responses.requests import echo_of


async def stored_run(workbench: Workbench, principal: Principal, response_id: str) -> RunRecord:
    """A response's run; raises RunNotFound where it is somebody else's, was not to be stored, or is none."""
    missing = RunNotFound(
        f"There is no response '{response_id}' (it may not have been stored, or was pruned: see runs.keep_days)."
    )
    run = await workbench.runs.get(run_id_of(response_id)) if response_id.startswith("resp_") else None
    echo = echo_of(run.request) if run else None
    if run is None or echo is None or echo.store is False:
        raise missing
    check_owner(principal, run.account.user_id if run.account else None, missing)
    return run


async def response_now(workbench: Workbench, run: RunRecord) -> Response:
    """A response as far as it has come."""
    return response_on_record(run, await workbench.runs.events(run.id))


async def conversation_through(
    workbench: Workbench, principal: Principal, response_id: str | None
) -> tuple[Message, ...]:
    """All that was said up to a response, itself included, and without its instructions; raises InvalidRequest."""
    if response_id is None:
        return ()
    try:
        run = await stored_run(workbench, principal, response_id)
    except NotFound as error:
        raise type(error)(error.message, parameter="previous_response_id") from error
    if run.state != "finished":
        raise InvalidRequest(
            f"Response '{response_id}' cannot be gone on from: its run is {run.state}, and not finished.",
            parameter="previous_response_id",
        )
    echo = echo_of(run.request)
    said = run.request.messages[1:] if echo and echo.instructions else run.request.messages
    return (*said, *_answer(Transcript(event.body for event in await workbench.runs.events(run.id))))


def _answer(transcript: Transcript) -> tuple[Message, ...]:
    texts = [part for part in transcript.parts if isinstance(part, str)]
    calls = [part.call for part in transcript.parts if not isinstance(part, str) and part.call]
    spans = tuple(Span(text, "assistant") for text in texts)
    return (Message(role="assistant", spans=spans, calls=tuple(calls)),) if spans or calls else ()
