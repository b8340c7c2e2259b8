"""/v1/responses: answer, look again, follow, stop."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar import Response as HttpResponse
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RequestBody

from jackfield.contracts.identity import Principal
from jackfield.contracts.runs import RunRecord, RunRequest
from jackfield.workbench import Workbench
from jackfield_web.answers.answered import run_headers, streamed, whole
from jackfield_web.answers.answers import Answers
from jackfield_web.answers.event_stream import EventStream
from jackfield_web.answers.frames import frames_of
from jackfield_web.answers.open_streams import OpenStreams
from jackfield_web.documentation import ANSWER_ERRORS, ELSEWHERE, NOT_FOUND, Streaming
from jackfield_web.identity.rights import needs
from jackfield_web.responses.answers import response_so_far, response_written
from jackfield_web.responses.record import conversation_through, response_now, stored_run
from jackfield_web.responses.replies import Response
from jackfield_web.responses.requests import ResponseRequest, response_run
from jackfield_web.responses.stream import ResponseFrames

STOPPING_SECONDS = 5.0
"""How long a stopped run's end is waited for; it is one decoding step away."""

Streamed = Annotated[bool, QueryParameter(name="stream", description="Send its events, past and to come.")]
After = Annotated[
    int | None, QueryParameter(name="starting_after", description="With `stream`: go on after this event.", ge=0)
]


class ResponseController(Controller):
    """Conversations that are kept."""

    path = "/v1/responses"
    tags = ("Responses",)
    opt = needs("inference")

    @post(
        status_code=200,
        operation_id="createResponse",
        operation_class=Streaming,
        response_description="The response",
        summary="Answer, and keep the answer",
        description="With `stream`, the answer is a stream of server-sent events, from response.created to "
        "response.completed. With `background`, it is answered whoever waits.",
        responses=ANSWER_ERRORS,
    )
    async def create(
        self,
        request: Request[Any, Any, Any],
        data: RequestBody[ResponseRequest],
        workbench: NamedDependency[Workbench],
        open_streams: NamedDependency[OpenStreams],
        principal: NamedDependency[Principal],
    ) -> HttpResponse[Response]:
        """Answer whole, event by event, or later."""
        asked = response_run(data, await conversation_through(workbench, principal, data.previous_response_id))
        if data.background:
            return await _begun(asked, workbench, open_streams, principal, stream=data.stream is True)
        answers = Answers(workbench, open_streams, principal)
        if data.stream:
            return await streamed(request, answers, [asked], ResponseFrames)
        (written,) = await whole(request, answers, [asked])
        run = await workbench.run(answers.runs[0].id)
        return HttpResponse(response_written(run, written), headers=run_headers([run]))

    @get(
        "/{response_id:str}",
        operation_id="getResponse",
        operation_class=Streaming,
        response_description="The response",
        summary="Look at a response again",
        responses=NOT_FOUND,
        opt=needs("follow"),
    )
    async def look(
        self,
        response_id: FromPath[str],
        workbench: NamedDependency[Workbench],
        open_streams: NamedDependency[OpenStreams],
        principal: NamedDependency[Principal],
        stream: Streamed = False,
        starting_after: After = None,
    ) -> HttpResponse[Response]:
        """As far as it has come, also after a restart; a client that lost a stream goes on where it was."""
        run = await stored_run(workbench, principal, response_id)
        if stream:
            return _followed(run, workbench, open_streams, after=-1 if starting_after is None else starting_after)
        return HttpResponse(await response_now(workbench, run), headers=run_headers([run]))

    @post(
        "/{response_id:str}/cancel",
        status_code=200,
        operation_id="cancelResponse",
        response_description="The response",
        summary="Stop a response",
        responses=NOT_FOUND | ELSEWHERE,
    )
    async def cancel(
        self,
        response_id: FromPath[str],
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
    ) -> Response:
        """What was written until then stands; one that had ended stays as it is."""
        run = await stored_run(workbench, principal, response_id)
        if await workbench.cancel(run.id):
            await _ended(workbench, run.id)
        return await response_now(workbench, await workbench.run(run.id))


async def _begun(
    asked: RunRequest, workbench: Workbench, open_streams: OpenStreams, principal: Principal, *, stream: bool
) -> HttpResponse[Response]:
    """A run that goes on whoever reads it."""
    run = await workbench.start(asked, principal=principal)
    if stream:
        return _followed(run, workbench, open_streams)
    return HttpResponse(response_so_far(run, (), None), headers=run_headers([run]))


def _followed(run: RunRecord, workbench: Workbench, open_streams: OpenStreams, *, after: int = -1) -> EventStream:
    answers = Answers(workbench, open_streams)
    answers.follow(run)
    make = partial(ResponseFrames, after=after)
    return EventStream(frames_of(answers, make(answers.runs)), answers.close, headers=run_headers([run]))


async def _ended(workbench: Workbench, run_id: str) -> None:
    """Wait for a run's last event, for a moment."""
    try:
        async with asyncio.timeout(STOPPING_SECONDS), aclosing(workbench.watch(run_id)) as events:
            async for _ in events:
                pass
    except TimeoutError:
        return
