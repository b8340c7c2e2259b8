"""/api/runs: look at a run, follow it, cancel it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, HeaderParameter

from jackfield.contracts.runs import RunRecord
from jackfield.events import RunEvent
from jackfield.workbench import Workbench
from jackfield_web.answers.event_stream import KEEP_ALIVE, KEEP_ALIVE_SECONDS, EventStream, framed
from jackfield_web.answers.merged_events import MergedEvents
from jackfield_web.answers.open_streams import OpenStreams
from jackfield_web.documentation import NOT_FOUND
from jackfield_web.errors import problem_of

LastEventId = Annotated[int | None, HeaderParameter(name="last-event-id", description="Go on after this event.", ge=0)]


class Cancellation(msgspec.Struct, frozen=True):
    """Whether there was something to stop."""

    cancelled: bool


class RunController(Controller):
    """Runs on record."""

    path = "/api/runs/{run_id:str}"
    tags = ("Runs",)

    @get(operation_id="getRun", response_description="The run", summary="Look at a run", responses=NOT_FOUND)
    async def look(self, run_id: FromPath[str], workbench: NamedDependency[Workbench]) -> RunRecord:
        """What was asked, how far it came, how it ended."""
        return await workbench.run(run_id)

    @get(
        "/events",
        operation_id="followRun",
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
        open_streams: NamedDependency[OpenStreams],
        last_event_id: LastEventId = None,
    ) -> Response[RunEvent]:
        """A client that lost the connection goes on where it was."""
        await workbench.run(run_id)
        events = MergedEvents(workbench, open_streams)
        events.follow(0, run_id, after=last_event_id or 0)
        return EventStream(_numbered(events), events.close)

    @post(
        "/cancel",
        operation_id="cancelRun",
        response_description="Whether it ran",
        status_code=200,
        summary="Stop a run",
        responses=NOT_FOUND,
    )
    async def cancel(self, run_id: FromPath[str], workbench: NamedDependency[Workbench]) -> Cancellation:
        """It stops within one decoding step; what was written until then stands."""
        return Cancellation(await workbench.cancel(run_id))


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
