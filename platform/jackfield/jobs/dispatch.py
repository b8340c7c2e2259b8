"""Sending runs to workers: which one, in what queue, without keeping the event loop waiting."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import structlog

from jackfield.contracts.records import RunRecords
from jackfield.contracts.runs import Priority, RunRecord
from jackfield.errors import BrokerUnavailable
from jackfield.jobs.announcements import WorkerBoard
from jackfield.jobs.celery_app import EMBED_TASK, MODEL_HEADER, PRIORITIES, RUN_TASK, model_queue, worker_queue
from jackfield.jobs.fingerprints import canonical_text, fingerprints
from jackfield.jobs.locality import ClientDeficits, Task

if TYPE_CHECKING:
    from celery import Celery  # type: ignore[import-untyped]

log = structlog.get_logger()

SENDERS = 4
SEND_SECONDS = 8.0
MOST_REMEMBERED = 10_000
"""Runs whose worker is kept in mind until they end."""
OFFERS = 2
"""How many leases an offer holds: so long nobody sends the run again."""


class Sent(msgspec.Struct, frozen=True):
    """For whose sake a run was sent to which worker."""

    client: str
    worker: str


class Unserved(msgspec.Struct, frozen=True):
    """A run that was sent when no worker served its model; since when, on the monotonic clock."""

    run: RunRecord
    since: float


class Dispatcher:
    """Chooses a worker for each run and sends it there."""

    def __init__(self, app: Celery, board: WorkerBoard, records: RunRecords, *, lease: float) -> None:
        self._app = app
        self._board = board
        self._records = records
        self._offer = timedelta(seconds=OFFERS * lease)
        self._threads = ThreadPoolExecutor(SENDERS, thread_name_prefix="send")
        self._deficits = ClientDeficits()
        self._sent_to: dict[str, Sent] = {}
        self.unsent: dict[str, RunRecord] = {}
        self.unserved: dict[str, Unserved] = {}

    def offered_until(self) -> datetime:
        """Until when a run that is offered now is left to workers."""
        return datetime.now(UTC) + self._offer

    async def send_offered(self, run: RunRecord) -> None:
        """Send a run that is on record as offered; one that cannot be sent stays in `unsent`."""
        self.unsent[run.id] = run
        await self._send_run(run)

    async def send(self, runs: Sequence[RunRecord]) -> None:
        """Offer runs to workers and send those that nobody else has offered; raises StateUnavailable.

        What cannot be sent stays in `unsent`.
        """
        if not runs:
            return
        offered = set(await self._records.offer([run.id for run in runs], until=self.offered_until()))
        self.unsent.update({run.id: run for run in runs if run.id in offered})
        for run in runs:
            if run.id in offered:
                await self._send_run(run)

    async def send_unsent(self) -> None:
        """Try again with what could not be sent."""
        for run in list(self.unsent.values()):
            if not await self._send_run(run):
                return

    def charge(self, run_id: str, tokens: int) -> None:
        """Count what a run wrote against its client's share of the worker that it was sent to."""
        if sent := self._sent_to.pop(run_id, None):
            self._deficits.charge(sent.client, sent.worker, tokens)

    async def send_texts(self, reply_to: str, model: str, texts: Sequence[str]) -> None:
        """Ask a worker for vectors of texts; raises BrokerUnavailable."""
        await self._sent(EMBED_TASK, [reply_to, model, list(texts)], model, model_queue(model), "interactive")

    async def pass_on(self, run_id: str, model: str, priority: Priority = "normal") -> None:
        """Send a run on to whoever serves its model; raises BrokerUnavailable."""
        await self._sent(RUN_TASK, [run_id, model], model, model_queue(model), priority)

    async def _send_run(self, run: RunRecord) -> bool:
        request = run.request
        try:
            await self._sent(RUN_TASK, [run.id, request.model], request.model, self._queue(run), request.priority)
        except BrokerUnavailable:
            return False
        self.unsent.pop(run.id, None)
        return True

    def _queue(self, run: RunRecord) -> str:
        request = run.request
        prefixes = fingerprints(request)
        length = len(canonical_text(request))
        task = Task(model=request.model, client=request.client, length=length, prefixes=prefixes)
        choice = self._deficits.choice(task, self._board.candidates())
        if choice is None:
            self.unserved.setdefault(run.id, Unserved(run, time.monotonic()))
            return model_queue(request.model)
        self._board.expect(choice.worker, request.model, prefixes)
        self._sent_to[run.id] = Sent(request.client, choice.worker)
        if len(self._sent_to) > MOST_REMEMBERED:
            del self._sent_to[next(iter(self._sent_to))]
        return worker_queue(choice.worker)

    async def _sent(self, task: str, arguments: list[object], model: str, queue: str, priority: Priority) -> None:
        def send() -> None:
            self._app.send_task(
                task,
                args=arguments,
                queue=queue,
                priority=PRIORITIES[priority],
                headers={MODEL_HEADER: model},
                retry=False,
                ignore_result=True,
            )

        from kombu.exceptions import OperationalError

        try:
            async with asyncio.timeout(SEND_SECONDS):
                await asyncio.get_running_loop().run_in_executor(self._threads, send)
        except (OperationalError, OSError, TimeoutError) as error:
            raise BrokerUnavailable(f"Redis cannot be reached, so nothing reaches workers ({error}).") from error

    def close(self) -> None:
        """Let go of connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._app.close()
