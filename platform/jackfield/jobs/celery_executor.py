"""Runs on workers: sent through Celery, watched through Redis, and always on record in the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from jackfield.contracts.models import InstalledModel
from jackfield.contracts.records import StateStore
from jackfield.contracts.runs import RunRecord
from jackfield.contracts.workers import LiveWorker
from jackfield.errors import Conflict, Overloaded, RunNotFound, ShuttingDown, StateUnavailable
from jackfield.events import Cancelled, RunEvent, Usage
from jackfield.identifiers import new_identifier
from jackfield.identity.prices import Prices
from jackfield.jobs.announcements import WorkerBoard
from jackfield.jobs.background import Background
from jackfield.jobs.celery_app import sending_app
from jackfield.jobs.dispatch import Dispatcher
from jackfield.jobs.embedding import awaited
from jackfield.jobs.endings import RunEnder
from jackfield.jobs.event_stream import AWAY_PACE, EventPublisher, EventReader
from jackfield.jobs.redis_connection import REDIS_AWAY, broker_needed, connected, redis_url
from jackfield.jobs.self_description import worker_name
from jackfield.jobs.stop_requests import ask_workers_to_stop
from jackfield.jobs.waiting_runs import WaitingRuns
from jackfield.jobs.watchdog import Watchdog, no_worker
from jackfield.runs.lifecycle import RunLifecycle
from jackfield.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = structlog.get_logger()

ENDED = ("finished", "failed", "cancelled")


class CeleryExecutor:
    """Hands runs to workers. Made on a running event loop; it executes none and loads no model."""

    elsewhere = True

    def __init__(self, lifecycle: RunLifecycle, store: StateStore, settings: Settings) -> None:
        url = redis_url(settings)
        self._records = store.runs
        self._queue_limit = settings.runs.queue_limit
        self._redis = connected(url)
        self._waiting = WaitingRuns(self._redis)
        self._reader = EventReader(self._redis)
        self._board = WorkerBoard(self._redis)
        self._dispatcher = Dispatcher(sending_app(url), self._board, store.runs, lease=settings.jobs.lease)
        spent = Prices(settings.models.prices).spending
        self._ender = RunEnder(store.runs, EventPublisher(self._redis), name=worker_name(), spent=spent)
        watchdog = Watchdog(
            self._redis,
            store.runs,
            self._board,
            self._dispatcher,
            self._ender,
            wait=settings.jobs.wait_for_worker,
        )
        self._background = Background()
        self._background.start("worker board", self._board.kept)
        self._background.start("live events", self._reader.kept)
        self._background.start("watchdog", watchdog.kept)
        self._closing = False

    async def check_room(self, model: str) -> None:
        """Raises Overloaded where too many runs of a model wait."""
        try:
            waiting = await self._waiting.count(model)
        except REDIS_AWAY:
            waiting = len(self._dispatcher.unsent)
        if waiting >= self._queue_limit:
            raise self._overloaded(model)

    def offered_until(self) -> datetime | None:
        """So long a new run is left to the worker that it is sent to, before a watchdog sends it again."""
        return self._dispatcher.offered_until()

    async def submit(self, run: RunRecord, history: Sequence[RunEvent] = ()) -> None:
        """Send a run to a worker; where Redis is away it waits on record until it can be sent.

        Raises ShuttingDown, Overloaded, or Conflict where it is under way.
        """
        if self._closing:
            raise ShuttingDown("Jackfield is shutting down; try again in a moment.")
        if run.state == "running":
            raise Conflict(f"Run '{run.id}' is under way already.")
        if run.state == "paused":
            await self._records.set_state(run.id, "queued")
        else:
            await self._count_in(run)
        self._reader.begin(run.id)
        if run.state == "queued" and run.leased_until is not None:
            await self._dispatcher.send_offered(run)
        else:
            await self._dispatcher.send([run])

    async def _count_in(self, run: RunRecord) -> None:
        model = run.request.model
        try:
            if await self._waiting.add(run.id, model) > self._queue_limit:
                await self._waiting.remove(run.id, model)
                raise self._overloaded(model)
        except REDIS_AWAY as error:
            log.debug("a run is not counted, since Redis is away", reason=type(error).__name__)

    def _overloaded(self, model: str) -> Overloaded:
        return Overloaded(
            f"{self._queue_limit} requests for '{model}' are waiting already; try again in a moment "
            "(the limit is runs.queue_limit)."
        )

    async def watch(self, run_id: str, *, after: int = 0) -> AsyncGenerator[RunEvent]:
        """Events with a greater number, those on record first, then live ones as workers tell them."""
        with self._reader.watched(run_id) as live:
            ended, events = False, list[RunEvent]()
            if not (live.from_the_start and after == 0):
                ended = (await self._recorded(run_id)).state in ENDED
                events = list(await self._records.events(run_id, after=after))
            while True:
                for event in events:
                    if event.final:
                        self._charge(event)
                    yield event
                    after = event.number
                    if event.final:
                        return
                if ended:
                    return
                events = await live.following(after, patience=self._reader.patience)
                if not events:
                    ended, events = await self._looked_up(run_id, after)

    def _charge(self, end: RunEvent) -> None:
        usage = getattr(end.body, "usage", None)
        if isinstance(usage, Usage):
            self._dispatcher.charge(end.run_id, usage.completion_tokens)

    async def _looked_up(self, run_id: str, after: int) -> tuple[bool, list[RunEvent]]:
        """Whether a run has ended, and its events as they are on record; waits while the record cannot be read."""
        while True:
            try:
                # In this order: what ends between the two is seen whole at the next look.
                ended = (await self._recorded(run_id)).state in ENDED
                return ended, list(await self._records.events(run_id, after=after))
            except StateUnavailable:
                await asyncio.sleep(AWAY_PACE)

    async def cancel(self, run_id: str) -> bool:
        """Stop a run, wherever it is; False when it had ended already. Raises RunNotFound."""
        run = await self._recorded(run_id)
        if run.state in ENDED:
            return False
        if run.state == "paused" and await self._ender.end_paused(run, Cancelled()):
            return True
        await self._records.ask_to_stop(run_id)
        if await self._ender.end(run_id, Cancelled()):
            await self._uncount(run)
            return True
        await ask_workers_to_stop(self._redis, run_id)
        return (await self._recorded(run_id)).state not in ("finished", "failed")

    async def _uncount(self, run: RunRecord) -> None:
        try:
            await self._waiting.remove(run.id, run.request.model)
        except REDIS_AWAY as error:
            log.debug("a run stays counted for now, since Redis is away", reason=type(error).__name__)

    async def embed(self, model: InstalledModel, texts: Sequence[str]) -> tuple[NDArray[np.float32], int]:
        """Unit vectors, (n, dimensions), and the number of tokens read, from a worker that serves the model."""
        if self._board.trusted and not any(worker.can_serve(model.name) for worker in self._board.workers()):
            raise no_worker(model.name, self._board.workers())
        reply_to = f"jackfield:reply:{new_identifier('reply')}"
        await self._dispatcher.send_texts(reply_to, model.name, texts)
        return await awaited(self._redis, reply_to)

    def workers(self) -> tuple[LiveWorker, ...]:
        """The workers that live, as they last told."""
        return self._board.workers()

    async def _recorded(self, run_id: str) -> RunRecord:
        run = await self._records.get(run_id)
        if run is None:
            raise RunNotFound(f"There is no run '{run_id}'.")
        return run

    async def check(self) -> None:
        """Raises BrokerUnavailable where Redis does not answer."""
        with broker_needed("so runs wait on record until it is back"):
            await self._redis.ping()

    async def waiting(self, models: Sequence[str]) -> dict[str, int]:
        """How many runs of each model were sent and not begun; raises BrokerUnavailable."""
        with broker_needed("so nobody knows how many runs wait"):
            return await self._waiting.counts(models)

    async def close(self) -> None:
        """Take no more; what workers execute goes on."""
        self._closing = True
        await self._background.close()
        await asyncio.to_thread(self._dispatcher.close)
        await self._redis.aclose()
