"""/api/runs: start a run, look at it, follow it, cancel it, and decide on its calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from typing import Annotated, get_args

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter, QueryParameter, RequestBody

from jackfield.contracts.identity import Principal
from jackfield.contracts.runs import RunRecord, RunState
from jackfield.errors import InvalidRequest
from jackfield.events import RunEvent
from jackfield.identity.roles import seen_user
from jackfield.workbench import Workbench, missing_run
from jackfield_web.answers.event_stream import KEEP_ALIVE, KEEP_ALIVE_SECONDS, EventStream, framed
from jackfield_web.answers.merged_events import MergedEvents
from jackfield_web.answers.open_streams import OpenStreams
from jackfield_web.documentation import ANSWER_ERRORS, BAD_PARAMETER, ELSEWHERE, NOT_FOUND, NOT_PAUSED, WithoutBody
from jackfield_web.errors import problem_of
from jackfield_web.identity.asked import Before
from jackfield_web.identity.rights import check_owner, needs
from jackfield_web.runs.requests import Decision, RunStart, run_asked_for

LastEventId = Annotated[int | None, HeaderParameter(name="last-event-id", description="Go on after this event.", ge=0)]
STATES: tuple[RunState, ...] = get_args(RunState)
State = Annotated[
    str | None,
    QueryParameter(name="state", description="Only runs that stand so.", schema_extra={"enum": [*STATES, None]}),
]
Limit = Annotated[int, QueryParameter(description="How many at most.", ge=1, le=500)]

UNDECIDED = Decision()
deciding = partial(
    post,
    opt=needs("inference"),
    operation_class=WithoutBody,
    response_description="The run, which goes on once nothing waits any more",
    status_code=200,
    responses=NOT_FOUND | NOT_PAUSED,
)


class Cancellation(msgspec.Struct, frozen=True):
    """Whether there was something to stop."""

    cancelled: bool


class RunController(Controller):
    """Runs on record."""

    path = "/api/runs"
    tags = ("Runs",)

    @get(
        operation_id="listRuns",
        opt=needs("read"),
        response_description="The newest runs",
        summary="List the newest runs",
        responses=BAD_PARAMETER,
    )
    async def newest(
        self,
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
        run_state: State = None,
        limit: Limit = 50,
        before: Before = None,
    ) -> list[RunRecord]:
        """Newest first, whichever door they came through; one's own, and everybody's for admins."""
        state, user_id = _known_state(run_state), seen_user(principal)
        return list(await workbench.runs.recent(limit=limit, state=state, user_id=user_id, before=before))

    @post(
        operation_id="startRun",
        opt=needs("inference"),
        response_description="The run, which has begun",
        summary="Start a run",
        description="It needs no reader: follow its events, or look at it again later.",
        responses=ANSWER_ERRORS,
    )
    async def start(
        self,
        data: RequestBody[RunStart],
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
    ) -> Response[RunRecord]:
        """The run goes on until it ends, pauses or is cancelled."""
        run = await workbench.start(run_asked_for(data), principal=principal)
        return Response(run, headers={"location": f"/api/runs/{run.id}"})

    @get(
        "/{run_id:str}",
        operation_id="getRun",
        opt=needs("follow"),
        response_description="The run",
        summary="Look at a run",
        responses=NOT_FOUND,
    )
    async def look(
        self, run_id: FromPath[str], workbench: NamedDependency[Workbench], principal: NamedDependency[Principal]
    ) -> RunRecord:
        """What was asked, how far it came, how it ended."""
        return await seen_run(workbench, principal, run_id)

    @get(
        "/{run_id:str}/events",
        operation_id="followRun",
        opt=needs("follow"),
        response_description="A stream of events",
        media_type="text/event-stream",
        summary="Follow a run",
        description="Every event, past and to come, as server-sent events whose ids are the events' numbers.",
        responses=NOT_FOUND,
    )
    async def follow(
        self,
        run_id: FromPath[str],
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
        open_streams: NamedDependency[OpenStreams],
        last_event_id: LastEventId = None,
    ) -> Response[RunEvent]:
        """A client that lost the connection goes on where it was."""
        await seen_run(workbench, principal, run_id)
        events = MergedEvents(workbench, open_streams)
        events.follow(0, run_id, after=last_event_id or 0)
        return EventStream(_numbered(events), events.close)

    @post(
        "/{run_id:str}/cancel",
        operation_id="cancelRun",
        opt=needs("inference"),
        response_description="Whether it ran",
        status_code=200,
        summary="Stop a run",
        responses=NOT_FOUND | ELSEWHERE,
    )
    async def cancel(
        self, run_id: FromPath[str], workbench: NamedDependency[Workbench], principal: NamedDependency[Principal]
    ) -> Cancellation:
        """It stops within one decoding step; what was written until then stands."""
        await seen_run(workbench, principal, run_id)
        return Cancellation(await workbench.cancel(run_id))

    @deciding("/{run_id:str}/approve", operation_id="approveRun", summary="Let a paused run make its calls")
    async def approve(
        self,
        run_id: FromPath[str],
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
        data: RequestBody[Decision] = UNDECIDED,
    ) -> RunRecord:
        """All calls that wait, or the one that is named; the body may be left out."""
        await seen_run(workbench, principal, run_id)
        return await workbench.decide(run_id, approved=True, call=data.call, reason=data.reason)

    @deciding("/{run_id:str}/deny", operation_id="denyRun", summary="Keep a paused run from making its calls")
    async def deny(
        self,
        run_id: FromPath[str],
        workbench: NamedDependency[Workbench],
        principal: NamedDependency[Principal],
        data: RequestBody[Decision] = UNDECIDED,
    ) -> RunRecord:
        """The model is told the reason, and goes on without."""
        await seen_run(workbench, principal, run_id)
        return await workbench.decide(run_id, approved=False, call=data.call, reason=data.reason)

    @post(
        "/{run_id:str}/resume",
        operation_id="resumeRun",
        opt=needs("inference"),
        response_description="The run, which goes on",
        status_code=200,
        summary="Go on with an interrupted run",
        responses=NOT_FOUND | NOT_PAUSED,
    )
    async def resume(
        self, run_id: FromPath[str], workbench: NamedDependency[Workbench], principal: NamedDependency[Principal]
    ) -> RunRecord:
        """What it had done before is taken from the record, and not done again."""
        await seen_run(workbench, principal, run_id)
        return await workbench.resume(run_id)


async def seen_run(workbench: Workbench, principal: Principal, run_id: str) -> RunRecord:
    """A run as it stands; raises RunNotFound also for somebody else's."""
    run = await workbench.run(run_id)
    check_owner(principal, run.account.user_id if run.account else None, missing_run(run_id))
    return run


def _known_state(name: str | None) -> RunState | None:
    for state in STATES:
        if state == name:
            return state
    if name is None:
        return None
    raise InvalidRequest(f"'state' is '{name}'; expected one of {', '.join(STATES)}.", parameter="state")


async def _numbered(events: MergedEvents) -> AsyncGenerator[bytes]:
    encode = msgspec.json.Encoder().encode
    try:
        while True:
            try:
                async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                    _, event = await events.next()
            except TimeoutError:
                yield KEEP_ALIVE
                continue
            if event is None:
                return
            yield framed(encode(event), number=event.number)
    except Exception as error:  # noqa: BLE001 - the status has been sent; the client learns of it as an event
        yield framed(encode(problem_of(error).body), name="error")
