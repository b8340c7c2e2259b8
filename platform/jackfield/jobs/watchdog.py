"""Sends runs anew whose message or worker was lost, and ends those that no worker can serve."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from redis.asyncio import Redis

from jackfield.contracts.records import RunRecords
from jackfield.contracts.workers import LiveWorker
from jackfield.errors import JackfieldError, NoWorker
from jackfield.jobs.announcements import WorkerBoard
from jackfield.jobs.dispatch import Dispatcher
from jackfield.jobs.endings import RunEnder
from jackfield.jobs.leftovers import pass_on_from_the_dead
from jackfield.jobs.redis_connection import REDIS_AWAY
from jackfield.runs.journal import failure

log = structlog.get_logger()

PACE = 2.0


class Watchdog:
    """Looks after runs that nobody holds, while `kept` runs; any number of processes may do so at once."""

    def __init__(
        self,
        redis: Redis,
        records: RunRecords,
        board: WorkerBoard,
        dispatcher: Dispatcher,
        ender: RunEnder,
        *,
        wait: float,
    ) -> None:
        """`wait` is how many seconds a run may wait for a worker that serves its model."""
        self._redis = redis
        self._records = records
        self._board = board
        self._dispatcher = dispatcher
        self._ender = ender
        self._wait = wait
        self._trouble = ""

    async def kept(self) -> None:
        """Look until cancelled; says once what keeps it from looking, and once that it can again."""
        while True:
            try:
                await self.look()
                self._tell("")
            except JackfieldError as error:
                self._tell(error.message)
            except REDIS_AWAY as error:
                self._tell(f"Redis is away ({type(error).__name__}).")
            await asyncio.sleep(PACE)

    async def look(self) -> None:
        """Send what is adrift, and end what waited too long; raises StateUnavailable or what Redis raises."""
        if self._board.trusted:  # a worker that could not be heard of while Redis was away is not gone
            await pass_on_from_the_dead(self._redis)
        await self._dispatcher.send_unsent()
        await self._dispatcher.send(await self._records.adrift(at=datetime.now(UTC)))
        await self._end_unserved()

    async def _end_unserved(self) -> None:
        unserved = self._dispatcher.unserved
        for waiting in list(unserved.values()):
            if any(worker.can_serve(waiting.run.request.model) for worker in self._board.workers()):
                del unserved[waiting.run.id]
            elif self._board.trusted and time.monotonic() - waiting.since > self._wait:
                del unserved[waiting.run.id]
                reason = no_worker(waiting.run.request.model, self._board.workers())
                if await self._ender.end(waiting.run.id, failure(reason)):
                    log.warning("a run ended for want of a worker", run=waiting.run.id, model=waiting.run.request.model)

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            log.warning("runs that nobody holds are not looked after", reason=trouble)
        elif self._trouble and not trouble:
            log.info("runs that nobody holds are looked after again")
        self._trouble = trouble


def no_worker(model: str, workers: Sequence[LiveWorker]) -> NoWorker:
    """The error of a run that nobody can execute: who lives, what they serve, what to do."""
    start = f"start one with `jackfield worker --models {model}`"
    if not workers:
        return NoWorker(f"No worker is running that could answer with '{model}'; {start}.")
    serving = "; ".join(f"{worker.id} serves {_served(worker)}" for worker in workers)
    return NoWorker(f"No worker serves '{model}' ({serving}); {start}.")


def _served(worker: LiveWorker) -> str:
    names = ", ".join(f"'{name}'" for name in worker.serves) or "every model"
    return f"{names}, but is shutting down" if worker.draining else names
