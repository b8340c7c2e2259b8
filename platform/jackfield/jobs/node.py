"""A worker on its event loop: the runs in hand, their leases, what it tells of itself, and how it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Self

import structlog

from jackfield.contracts.records import StateStore
from jackfield.contracts.workers import LiveWorker
from jackfield.errors import BrokerUnavailable, InternalFault, JackfieldError, StateUnavailable
from jackfield.identity.prices import Prices
from jackfield.jobs.announcements import PACE, Announcement, WorkerBoard, announce, withdraw
from jackfield.jobs.background import Background
from jackfield.jobs.celery_app import sending_app
from jackfield.jobs.dispatch import Dispatcher
from jackfield.jobs.embedding import Refusal, Vectors, answer, packed, refusal
from jackfield.jobs.endings import RunEnder
from jackfield.jobs.event_stream import EventPublisher
from jackfield.jobs.leftovers import pass_on
from jackfield.jobs.performer import RunPerformer
from jackfield.jobs.redis_connection import REDIS_AWAY, connected, redis_url
from jackfield.jobs.self_description import self_description, worker_name
from jackfield.jobs.stop_requests import listen_for_stops
from jackfield.jobs.waiting_runs import WaitingRuns
from jackfield.jobs.watchdog import Watchdog
from jackfield.models.catalog import ModelCatalog
from jackfield.runs.group_writer import GroupWriter
from jackfield.runs.lifecycle import RunLifecycle
from jackfield.settings import Settings

log = structlog.get_logger()

RENEWALS_PER_LEASE = 3


class WorkerNode:
    """Everything of a worker but its Celery consumer, on one event loop; used within `async with`."""

    def __init__(self, lifecycle: RunLifecycle, catalog: ModelCatalog, store: StateStore, settings: Settings) -> None:
        url = redis_url(settings)
        self.id = worker_name()
        self.draining = False
        self._lifecycle = lifecycle
        self._catalog = catalog
        self._settings = settings.jobs
        self._redis = connected(url)
        self._waiting = WaitingRuns(self._redis)
        publisher = EventPublisher(self._redis)
        spent = Prices(settings.models.prices).spending
        self._writer = GroupWriter(store.runs, publisher.publish, worker=self.id, spent=spent)
        self._performer = RunPerformer(lifecycle, store.runs, self._writer, worker=self.id, lease=settings.jobs.lease)
        self._board = WorkerBoard(self._redis)
        self._dispatcher = Dispatcher(sending_app(url), self._board, store.runs, lease=settings.jobs.lease)
        ender = RunEnder(store.runs, publisher, name=self.id, spent=spent)
        self._watchdog = Watchdog(
            self._redis, store.runs, self._board, self._dispatcher, ender, wait=settings.jobs.wait_for_worker
        )
        self._background = Background()

    async def __aenter__(self) -> Self:
        """Tell of itself and look after runs from now on."""
        await self._writer.__aenter__()
        self._background.start("leases", self._keep_leases)
        self._background.start("announcements", self._keep_announcing)
        self._background.start("stop requests", self._keep_listening)
        self._background.start("worker board", self._board.kept)
        self._background.start("watchdog", self._watchdog.kept)
        return self

    async def perform(self, run_id: str, model: str) -> None:
        """See a run to its end, unless another worker has it; one that comes while this one leaves is passed on."""
        if self.draining:
            await self._pass_on(run_id, model)
            return
        try:
            await self._uncount(run_id, model)
            await self._performer.perform(run_id)
        except StateUnavailable as error:
            log.warning("a run could not be claimed, and waits on record", run=run_id, reason=error.message)

    async def embed(self, reply_to: str, model: str, texts: Sequence[str]) -> None:
        """Embed texts and leave the vectors, or the reason that there are none, for whoever asked."""
        try:
            reply: Vectors | Refusal = await self._embedded(model, texts)
        except JackfieldError as error:
            reply = refusal(error)
        except Exception as error:
            log.exception("embedding failed unexpectedly", model=model)
            reply = refusal(InternalFault(f"Embedding failed unexpectedly ({type(error).__name__})."))
        try:
            await answer(self._redis, reply_to, reply)
        except REDIS_AWAY as error:
            log.warning("vectors could not be sent back, since Redis is away", reason=type(error).__name__)

    async def _embedded(self, model: str, texts: Sequence[str]) -> Vectors:
        vectors, tokens = await self._lifecycle.embed(await self._catalog.get(model), texts)
        return packed(vectors, tokens)

    async def models(self) -> tuple[str, ...]:
        """The models that it serves: those it was started for, else all that are installed."""
        if self._settings.models:
            return self._settings.models
        return tuple(model.name for model in await self._catalog.all() if not model.description.is_adapter)

    async def drain(self) -> None:
        """Take no more, let runs end for as long as settings say, and give back the others for workers to go on with.

        Returns once nothing is in hand.
        """
        self.draining = True
        await self._announce()
        log.info("draining", runs=len(self._performer.held()), seconds=self._settings.drain)
        try:
            async with asyncio.timeout(self._settings.drain):
                await self._performer.emptied()
        except TimeoutError:
            await self._hand_back()

    async def __aexit__(self, *reason: object) -> None:
        """Give back what is still in hand, tell that it is gone, and let go of everything."""
        self.draining = True
        await self._hand_back()
        await self._background.close()
        await self._writer.__aexit__(*reason)
        try:
            await withdraw(self._redis, self.id)
            await pass_on(self._redis, self.id)
        except REDIS_AWAY as error:
            log.warning("what waits here is passed on by others, since Redis is away", reason=type(error).__name__)
        await asyncio.to_thread(self._dispatcher.close)
        await self._redis.aclose()

    async def _hand_back(self) -> None:
        try:
            given = await self._performer.hand_back()
        except StateUnavailable as error:
            log.warning("runs are taken over when their leases end", reason=error.message)
            return
        for run in given:
            log.info("a run is handed back", run=run.id)
            await self._pass_on(run.id, run.request.model)

    async def _pass_on(self, run_id: str, model: str) -> None:
        try:
            await self._dispatcher.pass_on(run_id, model)
        except BrokerUnavailable as error:
            log.warning("a run waits on record until it can be sent", run=run_id, reason=error.message)

    async def _uncount(self, run_id: str, model: str) -> None:
        try:
            await self._waiting.remove(run_id, model)
        except REDIS_AWAY as error:
            log.debug("a run stays counted for now, since Redis is away", reason=type(error).__name__)

    async def _keep_leases(self) -> None:
        troubled = False
        while True:
            try:
                await self._performer.renew()
                troubled = False
            except StateUnavailable as error:
                if not troubled:
                    log.warning("leases cannot be renewed", reason=error.message)
                troubled = True
            await asyncio.sleep(self._settings.lease / RENEWALS_PER_LEASE)

    async def _keep_announcing(self) -> None:
        while True:
            await self._announce()
            await asyncio.sleep(PACE)

    async def _announce(self) -> None:
        announcement = Announcement(worker=self._described(), prefixes=self._performer.prefixes.packed())
        try:
            await announce(self._redis, announcement)
        except REDIS_AWAY as error:
            log.debug("nobody hears of this worker, since Redis is away", reason=type(error).__name__)

    def _described(self) -> LiveWorker:
        return self_description(
            self.id,
            self._lifecycle.loaded(),
            loads=self._performer.loads(),
            serves=self._settings.models,
            concurrency=self._settings.concurrency,
            memory=self._settings.memory_mb << 20,
            draining=self.draining,
            used=self._lifecycle.used_tokens(),
        )

    async def _keep_listening(self) -> None:
        while True:
            try:
                await listen_for_stops(self._redis, self._performer.stop)
            except REDIS_AWAY:
                await asyncio.sleep(PACE)
