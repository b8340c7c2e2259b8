"""A worker's runs: each claimed, performed from its record, and written there as long as the worker holds it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from jackfield.cancellation import carried_through
from jackfield.contracts.records import RunRecords
from jackfield.contracts.runs import RunRecord
from jackfield.contracts.workers import ModelLoad
from jackfield.errors import InternalFault, JackfieldError, RunElsewhere, ShuttingDown, StateUnavailable
from jackfield.events import FINAL_EVENTS, Cancelled, Failed, Paused, RunEvent, Started, TextDelta
from jackfield.jobs.fingerprints import PrefixBook, fingerprints
from jackfield.messages import Message
from jackfield.runs.durable_journal import DurableJournal
from jackfield.runs.group_writer import GroupWriter
from jackfield.runs.journal import failure
from jackfield.runs.lifecycle import RunControl, RunLifecycle

log = structlog.get_logger()


class HeldRun:
    """A run that this worker executes. It `writes` from its first token on, and is `closing` once it has its end."""

    def __init__(self, run: RunRecord) -> None:
        self.run = run
        self.control: RunControl | None = None
        self.task: asyncio.Task[None] | None = None
        self.writes = False
        self.closing = False


class RunPerformer:
    """Executes runs on the event loop of a worker."""

    def __init__(
        self, lifecycle: RunLifecycle, records: RunRecords, writer: GroupWriter, *, worker: str, lease: float
    ) -> None:
        self._lifecycle = lifecycle
        self._records = records
        self._writer = writer
        self._worker = worker
        self._lease = timedelta(seconds=lease)
        self._held: dict[str, HeldRun] = {}
        self._unwritten: set[str] = set()
        self.prefixes = PrefixBook()

    async def perform(self, run_id: str) -> None:
        """See a run to its end, unless another worker has it. Raises StateUnavailable where it cannot be claimed."""
        if run_id in self._held:
            return
        run = await self._records.claim(run_id, self._worker, until=self._until())
        if run is None:
            return
        held = self._held[run_id] = HeldRun(run)
        held.task = asyncio.create_task(self._performed(held), name=run_id)
        try:
            await asyncio.wait([held.task])
        finally:
            del self._held[run_id]

    def held(self) -> tuple[RunRecord, ...]:
        """The runs in hand."""
        return tuple(held.run for held in self._held.values())

    def loads(self) -> dict[str, ModelLoad]:
        """How many runs are in hand, by model."""
        loads: dict[str, ModelLoad] = {}
        for held in self._held.values():
            load = loads.get(held.run.request.model, ModelLoad())
            loads[held.run.request.model] = msgspec.structs.replace(
                load, running=load.running + 1, waiting=load.waiting + (not held.writes)
            )
        return loads

    def stop(self, run_ids: Sequence[str]) -> None:
        """Cancel those of some runs that are in hand, for somebody who asked for that."""
        for run_id in run_ids:
            if (held := self._held.get(run_id)) and held.control and not held.closing:
                held.control.stop()

    async def renew(self) -> None:
        """Prolong all leases and give back what could not be written; stop what is to stop, or another worker holds.

        Raises StateUnavailable.
        """
        if self._unwritten:
            await self._records.release(self._worker, list(self._unwritten))
            self._unwritten.clear()
        if not (ids := list(self._held)):
            return
        kept = set(await self._records.renew(self._worker, ids, until=self._until()))
        for run_id in ids:
            held = self._held.get(run_id)
            if run_id not in kept and held and held.control and not held.closing:
                log.warning("another worker has taken a run over", run=run_id)
                held.control.hand_back()
        self.stop(await self._records.asked_to_stop(list(kept)))

    async def emptied(self) -> None:
        """Wait until nothing is in hand."""
        while self._held:
            await asyncio.wait([held.task for held in self._held.values() if held.task])
            await asyncio.sleep(0)

    async def hand_back(self) -> tuple[RunRecord, ...]:
        """Stop everything in hand between two tokens, and queue it for others; the runs that were given back.

        Raises StateUnavailable: then others take them once their leases have run out.
        """
        left = [held for held in self._held.values() if not held.closing]
        for held in left:
            if held.control:
                held.control.hand_back()
        if tasks := [held.task for held in self._held.values() if held.task]:
            await asyncio.wait(tasks)
        given = tuple(held.run for held in left if not held.closing)
        if given:
            await self._records.release(self._worker, [run.id for run in given])
        return given

    def _until(self) -> datetime:
        return datetime.now(UTC) + self._lease

    async def _performed(self, held: HeldRun) -> None:
        """Perform a run; whatever keeps it from being written leaves it to others."""
        run = held.run
        try:
            history = await self._records.events(run.id)
            journal = self._writer.journal(run, history)
            end = await self._end(held, journal, history)
            if end is not None:
                held.closing = True
                await carried_through(journal.write(end))
        except (RunElsewhere, ShuttingDown) as error:
            log.warning("a run is left to another worker", run=run.id, reason=error.message)
        except StateUnavailable as error:
            log.error("a run could not be written, and is given back", run=run.id, reason=error.message)
            self._unwritten.add(run.id)

    async def _end(
        self, held: HeldRun, journal: DurableJournal, history: Sequence[RunEvent]
    ) -> Failed | Cancelled | None:
        """The end that a run still needs once its events were written; raises what keeps them from being written."""
        held.control = RunControl(resumable=True)
        try:
            await self._write_all(held, held.control, journal, history)
        except asyncio.CancelledError:
            return Cancelled()
        except (RunElsewhere, ShuttingDown, StateUnavailable):
            raise
        except JackfieldError as error:
            return failure(error)
        except Exception as error:
            log.exception("run failed unexpectedly", run=held.run.id)
            return Failed(code=InternalFault.code, message=f"The run failed unexpectedly ({type(error).__name__}).")
        return None

    async def _write_all(
        self, held: HeldRun, control: RunControl, journal: DurableJournal, history: Sequence[RunEvent]
    ) -> None:
        request, written = held.run.request, []
        async with aclosing(self._lifecycle.perform(held.run, control, history)) as events:
            async for body in events:
                held.closing = isinstance(body, (Paused, *FINAL_EVENTS))
                if isinstance(body, TextDelta):
                    held.writes = True
                    written.append(body.text)
                if isinstance(body, Started):
                    self.prefixes.remember(fingerprints(request))
                await carried_through(journal.write(body))
        await carried_through(journal.settle())
        if request.messages and not history:
            answer = Message.of("assistant", "".join(written))
            self.prefixes.remember(fingerprints(msgspec.structs.replace(request, messages=(*request.messages, answer))))
