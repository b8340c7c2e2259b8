"""Runs in this process: a task each, on the event loop of the workbench."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from jackfield.contracts.models import InstalledModel
from jackfield.contracts.records import StateStore
from jackfield.contracts.runs import RunRecord
from jackfield.contracts.workers import LiveWorker
from jackfield.errors import Conflict, InternalFault, JackfieldError, NameTaken, RunElsewhere, RunNotFound, ShuttingDown
from jackfield.events import Cancelled, Failed, RunEvent
from jackfield.identity.prices import Prices
from jackfield.jobs.self_description import self_description, worker_name
from jackfield.runs.journal import RunJournal, failure
from jackfield.runs.lifecycle import RunControl, RunLifecycle
from jackfield.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = structlog.get_logger()

ENDED = ("finished", "failed", "cancelled")
LOOK_AGAIN = 0.5
"""Seconds between two looks at a run that another process executes."""


class InlineExecutor:
    """Executes runs beside its caller; it holds only those that have not ended."""

    elsewhere = False

    def __init__(self, lifecycle: RunLifecycle, store: StateStore, settings: Settings) -> None:
        self._lifecycle = lifecycle
        self._records = store.runs
        self._concurrency = settings.jobs.concurrency
        self._spent = Prices(settings.models.prices).spending
        self._id = worker_name()
        self._journals: dict[str, RunJournal] = {}
        self._controls: dict[str, RunControl] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closing = False

    async def check_room(self, model: str) -> None:
        """There is always room here: each model's decode loop limits its own queue."""

    def offered_until(self) -> datetime | None:
        """Runs are offered to nobody."""
        return None

    async def submit(self, run: RunRecord, history: Sequence[RunEvent] = ()) -> None:
        """Begin a run, or go on with one from its events on record; raises ShuttingDown, or Conflict where it runs."""
        await self._let_pause(run.id)
        if self._closing:
            raise ShuttingDown("Jackfield is shutting down; try again in a moment.")
        if run.id in self._journals:
            raise Conflict(f"Run '{run.id}' is under way already.")
        self._journals[run.id] = RunJournal(self._records, run, history, spent=self._spent, executing=True)
        self._tasks[run.id] = asyncio.create_task(self._perform(run, self._journals[run.id], history), name=run.id)

    async def watch(self, run_id: str, *, after: int = 0) -> AsyncGenerator[RunEvent]:
        """Events with a greater number, of a run that goes on here or in another process, or of one that has ended.

        A paused run is waited for until somebody lets it go on.
        """
        ended = False
        while not ended:
            if journal := self._journals.get(run_id):
                async for event in journal.follow(after=after):
                    yield event
                    after = event.number
                if journal.ended:
                    return
            # Read in this order: what ends between the two is seen whole at the next look.
            ended = (await self._recorded(run_id)).state in ENDED
            for event in await self._records.events(run_id, after=after):
                yield event
                after = event.number
                ended = ended or event.final
            if not ended:
                await asyncio.sleep(LOOK_AGAIN)

    async def cancel(self, run_id: str) -> bool:
        """Stop a run; False when it had ended already. Raises RunElsewhere."""
        if (journal := self._journals.get(run_id)) and journal.ended:
            return False
        await self._let_pause(run_id)
        if control := self._controls.get(run_id):
            if control.stop() and not control.answering:
                return True
            # A plain answer may come to its end in the very step in which it is to stop.
            await asyncio.wait([self._tasks[run_id]])
            return (await self._recorded(run_id)).state == "cancelled" or await self.cancel(run_id)
        if run_id in self._journals:
            await asyncio.sleep(0)
            return await self.cancel(run_id)
        run = await self._recorded(run_id)
        if run.state in ENDED:
            return False
        if run.state == "paused":
            events = await self._records.events(run_id)
            await RunJournal(self._records, run, events, spent=self._spent).write(Cancelled())
            return True
        raise RunElsewhere(f"Run '{run_id}' is executed by another process, which alone can stop it.")

    async def _let_pause(self, run_id: str) -> None:
        """Wait until a run that is being paused, or put on record as ended, is let go of."""
        if (journal := self._journals.get(run_id)) and journal.closing:
            await asyncio.wait([self._tasks[run_id]])

    async def _recorded(self, run_id: str) -> RunRecord:
        run = await self._records.get(run_id)
        if run is None:
            raise RunNotFound(f"There is no run '{run_id}'.")
        return run

    async def embed(self, model: InstalledModel, texts: Sequence[str]) -> tuple[NDArray[np.float32], int]:
        """Unit vectors, (n, dimensions), and the number of tokens read."""
        return await self._lifecycle.embed(model, texts)

    def workers(self) -> tuple[LiveWorker, ...]:
        """This process."""
        lifecycle = self._lifecycle
        return (
            self_description(self._id, lifecycle.loaded(), concurrency=self._concurrency, used=lifecycle.used_tokens()),
        )

    async def check(self) -> None:
        """There is nothing between this process and its runs."""

    async def waiting(self, models: Sequence[str]) -> dict[str, int]:
        """Runs wait for their turn in the models' own queues."""
        return {}

    async def close(self) -> None:
        """Stop every run, wait until each has written its end or its pause, and take no more."""
        self._closing = True
        await asyncio.sleep(0)
        for control in list(self._controls.values()):
            control.stop(pausing=True)
        if self._tasks:
            await asyncio.wait(self._tasks.values())

    async def _perform(self, run: RunRecord, journal: RunJournal, history: Sequence[RunEvent]) -> None:
        control = self._controls[run.id] = RunControl()
        try:
            await self._write_all(run, journal, control, history)
        except NameTaken:
            log.warning("another process has taken a run over", run=run.id)
            journal.leave()
        except JackfieldError as error:
            log.error("run could not be recorded", run=run.id, reason=error.message)
            journal.abandon(error)
        finally:
            del self._controls[run.id]
            del self._journals[run.id]
            del self._tasks[run.id]

    async def _write_all(
        self, run: RunRecord, journal: RunJournal, control: RunControl, history: Sequence[RunEvent]
    ) -> None:
        """Write a run's events and its end, however it ends; raises only what the store raises."""
        try:
            async with aclosing(self._lifecycle.perform(run, control, history)) as events:
                # Only who can add the first event of a run that goes on has it; until then it may be somebody else's.
                async for body in events:
                    await journal.write(body)
            return
        except asyncio.CancelledError:
            end: Failed | Cancelled = Cancelled()
        except JackfieldError as error:
            end = failure(error)
        except Exception as error:
            log.exception("run failed unexpectedly", run=run.id)
            end = Failed(code=InternalFault.code, message=f"The run failed unexpectedly ({type(error).__name__}).")
        await journal.write(end)
