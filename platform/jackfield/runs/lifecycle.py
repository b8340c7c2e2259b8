"""One run from its request to its last event: find the model, assemble the prompt, decode, account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from jackfield.contracts.models import InstalledModel
from jackfield.contracts.runs import RunRecord
from jackfield.decoding.handle import SequenceHandle
from jackfield.decoding.request import Admitted, Broken, Delta, Ended, Injected, Parked, Stopped
from jackfield.errors import JackfieldError
from jackfield.events import (
    FINAL_EVENTS,
    Cancelled,
    Finished,
    Paused,
    Queued,
    Resumed,
    RunEvent,
    RunEventBody,
    SourcesFound,
    Started,
    TextDelta,
    Usage,
)
from jackfield.identity.budgets import Bookkeeping
from jackfield.identity.rates import RateWindows
from jackfield.models.catalog import ModelCatalog
from jackfield.models.residency import ModelResidency
from jackfield.models.residents import LoadedModel
from jackfield.runs.agent_work import AgentWork, calls_tools, resumable
from jackfield.runs.assembly import assembled, is_short
from jackfield.runs.equipment import Equipment
from jackfield.runs.journal import failure
from jackfield.runs.readable import Readable
from jackfield.runs.recall import Recall, sources_on_record, with_sources
from jackfield.runs.resumption import AnswerSoFar, answer_so_far, check_no_call
from jackfield.runs.run_model import RunModel
from jackfield.runs.suspension import Suspension
from jackfield.runs.usage_so_far import UsageSoFar
from jackfield.telemetry.run_spans import bind_run, traced

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")


class RunControl:
    """A way to stop a run from outside, whatever stage it is in, or to hand it back.

    The events of a `resumable` run hold its answer's tokens, from which another process can go on.
    """

    def __init__(self, *, resumable: bool = False) -> None:
        self._handle: SequenceHandle | None = None
        self._task = asyncio.current_task()
        self._preparing = False
        self._preparing_cancelled = False
        self._working: asyncio.Task[None] | None = None
        self.resumable = resumable
        self.stopped = False
        self.pauses = False
        self.handed_back = False

    async def preparing(self, work: Coroutine[Any, Any, T]) -> T:
        """What work gives that leads up to an answer; to hand the run back means to cancel it."""
        self._task = asyncio.current_task()
        self._preparing = True
        try:
            return await work
        finally:
            self._preparing = False

    @property
    def answering(self) -> bool:
        """Whether the run is one sequence that is being decoded, or was."""
        return self._handle is not None

    def decoding(self, handle: SequenceHandle) -> None:
        """From here on, to stop means to cancel the sequence; done at once where that was asked for before."""
        self._handle = handle
        if self.stopped or self.handed_back:
            handle.cancel()

    def working(self, task: asyncio.Task[None]) -> None:
        """From here on, to stop means to cancel a task; done at once where that was asked for before."""
        self._task = self._working = task
        if self.stopped or self.handed_back:
            task.cancel()

    def stop(self, *, pausing: bool = False) -> bool:
        """End the run; what it wrote until then stands. False where its work was done already.

        With `pausing`, a run that can be taken up from its record is only interrupted.
        """
        self.stopped = True
        self.pauses = pausing
        if self._handle:
            self._handle.cancel()
            return True
        return bool(self._task and self._task.cancel())

    def hand_back(self) -> None:
        """Have the run's events end without a final one, between two tokens: another process goes on from its record.

        A run that is being stopped comes to its end instead.
        """
        if self.stopped or self.handed_back:
            return
        self.handed_back = True
        if self._handle:
            self._handle.cancel()
        elif self._working:
            self._working.cancel()
        elif self._preparing and self._task:
            self._preparing_cancelled = self._task.cancel()

    def lets_go(self) -> bool:
        """Whether a CancelledError came only of handing the run back; the current task is not cancelled then."""
        task = asyncio.current_task()
        if self._preparing_cancelled and task:
            self._preparing_cancelled = False
            task.uncancel()
        return bool(self.handed_back and task and not task.cancelling())


class RunLifecycle:
    """The journey that every run takes, wherever it executes. It stores nothing: whoever iterates does."""

    def __init__(
        self,
        catalog: ModelCatalog,
        residency: ModelResidency,
        equipment: Equipment,
        books: Bookkeeping,
        rates: RateWindows,
        recall: Recall | None = None,
    ) -> None:
        self._catalog = catalog
        self._residency = residency
        self._equipment = equipment
        self._books = books
        self._rates = rates
        self._recall = recall or Recall()

    def loaded(self) -> tuple[LoadedModel, ...]:
        """The models in memory."""
        return self._residency.loaded()

    def used_tokens(self) -> dict[str, Usage]:
        """What the models in memory that write have read and written since they were loaded, by name."""
        counted = ((name, loop.statistics) for name, loop in self._residency.decoders())
        return {
            name: Usage(
                prompt_tokens=counts.prompt_tokens,
                completion_tokens=counts.drawn_tokens,
                cached_tokens=counts.cached_tokens,
            )
            for name, counts in counted
        }

    async def embed(self, model: InstalledModel, texts: Sequence[str]) -> tuple[NDArray[np.float32], int]:
        """Unit vectors, (n, dimensions), and the number of tokens read."""
        return await self._residency.embed(model, texts)

    async def perform(
        self, run: RunRecord, control: RunControl, history: Sequence[RunEvent] = ()
    ) -> AsyncGenerator[RunEventBody]:
        """The events of a run in order, those that go on from its `history`; raises JackfieldError where it fails.

        The last one is final, or a Paused, unless the run was handed back.
        """
        bind_run(run)
        yield Resumed() if history else Queued(model=run.request.model)
        if control.handed_back:
            return
        performing = self._worked if calls_tools(run.request) else self._answered
        events = traced(run, performing(run, control, history), resumed=bool(history))
        used = UsageSoFar(event.body for event in history)
        try:
            async with aclosing(events) as bodies:
                async for body in bodies:
                    used.take(body)
                    if isinstance(body, FINAL_EVENTS):
                        await self._correct_rate(run, used.usage)
                    yield body
        except asyncio.CancelledError:
            if not control.lets_go():
                raise
        finally:
            if not used.ended:
                await self._correct_rate(run, used.usage)

    async def _correct_rate(self, run: RunRecord, usage: Usage | None) -> None:
        """Let the minute's window of who asked hold what a run really took."""
        if run.account:
            await self._rates.correct(run.account.client, run.id, usage.total_tokens if usage else 0)

    async def _answered(
        self, run: RunRecord, control: RunControl, history: Sequence[RunEvent]
    ) -> AsyncGenerator[RunEventBody]:
        """One answer, decoded as it was asked for, from where it is on record."""
        so_far = answer_so_far(history)
        run, found = await control.preparing(self._informed(run, history))
        if found:
            yield found
        handle, started = await control.preparing(self._submitted(run, so_far))
        control.decoding(handle)
        async with aclosing(handle.deliveries()) as deliveries:
            async for delivery in deliveries:
                if control.handed_back:
                    return
                known = so_far.started and isinstance(delivery, Admitted)
                if not (known or isinstance(delivery, Injected | Parked)):
                    yield _event(delivery, started, with_ids=control.resumable)

    async def _informed(self, run: RunRecord, history: Sequence[RunEvent]) -> tuple[RunRecord, SourcesFound | None]:
        """The run with its sources in the prompt, and what was found of them now rather than before."""
        if not (run.request.files or run.request.memory):
            return run, None
        recorded = sources_on_record(history)
        found = None
        if recorded is None:
            found = await self._recall.found(run, await self._run_model(run))
        request = with_sources(run.request, recorded or found)
        if request is not run.request:
            guards = [guard for _, guard in self._equipment.guards.items()]
            request = msgspec.structs.replace(request, messages=Readable((), guards).messages(request.messages))
        return msgspec.structs.replace(run, request=request), found

    async def _submitted(self, run: RunRecord, so_far: AnswerSoFar) -> tuple[SequenceHandle, Started]:
        """A sequence that answers, or goes on with what is on record, and what to tell once it begins."""
        model = await self._catalog.get(run.request.model)
        adapter = await self._catalog.adapter(run.request.adapter) if run.request.adapter else None
        allowance = self._books.allowance(run)
        async with self._residency.decoder_held(model) as decoder:
            if is_short(run.request):
                request = assembled(run.request, model, decoder.engine)
            else:
                request = await asyncio.to_thread(assembled, run.request, model, decoder.engine, adapter)
            if allowance:
                await allowance.cover(Usage(prompt_tokens=len(request.prompt), completion_tokens=request.max_tokens))
            started = Started(model=model.name, prompt_tokens=len(request.prompt))
            return decoder.submit(so_far.goes_on(request, decoder.engine)), started

    async def _worked(
        self, run: RunRecord, control: RunControl, history: Sequence[RunEvent]
    ) -> AsyncGenerator[RunEventBody]:
        """What an agent does, and the calls that a model makes."""
        if not resumable(run.request):
            check_no_call(history)
        run, found = await control.preparing(self._informed(run, history))
        if found:
            yield found
        work = await control.preparing(self._prepared(run, history, found))
        task = asyncio.create_task(work.done(), name=f"work {run.id}")
        control.working(task)
        try:
            async with aclosing(work.flow.bodies(task)) as bodies:
                async for body in bodies:
                    yield body
        except Suspension as suspension:
            pause = Paused(reason="approval", calls=suspension.calls)
            yield Cancelled(usage=work.usage) if control.stopped and not control.pauses else pause
        except asyncio.CancelledError:
            if not control.stopped:
                raise  # also where the run is handed back
            interrupted = control.pauses and resumable(run.request)
            yield Paused(reason="interrupted") if interrupted else Cancelled(usage=work.usage)
        except JackfieldError as error:
            yield failure(error, usage=work.usage)
        else:
            yield Finished(reason=work.reason, usage=work.usage, stop=work.stop)

    async def _prepared(self, run: RunRecord, history: Sequence[RunEvent], found: SourcesFound | None) -> AgentWork:
        model = await self._run_model(run)
        return await AgentWork.prepared(run, model, self._equipment, history, self._books.allowance(run), found)

    async def _run_model(self, run: RunRecord) -> RunModel:
        model = await self._catalog.get(run.request.model)
        adapter = await self._catalog.adapter(run.request.adapter) if run.request.adapter else None
        return RunModel(self._residency, run.request, model, adapter)


def _event(delivery: Admitted | Delta | Ended | Stopped | Broken, started: Started, *, with_ids: bool) -> RunEventBody:
    match delivery:
        case Admitted():
            return started
        case Delta(text=text, tokens=tokens, scores=scores, ids=ids):
            return TextDelta(text=text, tokens=tokens, scores=scores, ids=ids if with_ids else ())
        case Ended(reason=reason, usage=usage, stop=stop):
            return Finished(reason=reason, usage=usage, stop=stop)
        case Stopped(usage=usage):
            return Cancelled(usage=usage)
        case Broken(error=error):
            raise error
