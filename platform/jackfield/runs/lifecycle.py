"""One run from its request to its last event: find the model, assemble the prompt, decode, account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from jackfield.contracts.models import InstalledModel
from jackfield.contracts.runs import RunRecord
from jackfield.decoding.handle import SequenceHandle
from jackfield.decoding.request import Admitted, Broken, Delta, Ended, Injected, Parked, Stopped
from jackfield.events import Cancelled, Finished, Paused, Queued, Resumed, RunEvent, RunEventBody, Started, TextDelta
from jackfield.models.catalog import ModelCatalog
from jackfield.models.residency import ModelResidency
from jackfield.models.residents import LoadedModel
from jackfield.runs.agent_work import AgentWork, calls_tools, resumable
from jackfield.runs.assembly import assembled
from jackfield.runs.equipment import Equipment
from jackfield.runs.run_model import RunModel
from jackfield.runs.suspension import Suspension

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class RunControl:
    """A way to stop a run from outside, whatever stage it is in."""

    def __init__(self) -> None:
        self._handle: SequenceHandle | None = None
        self._task = asyncio.current_task()
        self.stopped = False
        self.pauses = False

    def decoding(self, handle: SequenceHandle) -> None:
        """From here on, to stop means to cancel the sequence; done at once where that was asked for before."""
        self._handle = handle
        if self.stopped:
            handle.cancel()

    def working(self, task: asyncio.Task[None]) -> None:
        """From here on, to stop means to cancel a task; done at once where that was asked for before."""
        self._task = task
        if self.stopped:
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


class RunLifecycle:
    """The journey that every run takes, wherever it executes. It stores nothing: whoever iterates does."""

    def __init__(self, catalog: ModelCatalog, residency: ModelResidency, equipment: Equipment) -> None:
        self._catalog = catalog
        self._residency = residency
        self._equipment = equipment

    def loaded(self) -> tuple[LoadedModel, ...]:
        """The models in memory."""
        return self._residency.loaded()

    async def embed(self, model: InstalledModel, texts: Sequence[str]) -> tuple[NDArray[np.float32], int]:
        """Unit vectors, (n, dimensions), and the number of tokens read."""
        return await self._residency.embed(model, texts)

    async def perform(
        self, run: RunRecord, control: RunControl, history: Sequence[RunEvent] = ()
    ) -> AsyncGenerator[RunEventBody]:
        """The events of a run in order, those that go on from its `history`; raises JackfieldError where it fails.

        The last one is final, or a Paused.
        """
        yield Resumed() if history else Queued(model=run.request.model)
        events = self._worked(run, control, history) if calls_tools(run.request) else self._answered(run, control)
        async with aclosing(events) as bodies:
            async for body in bodies:
                yield body

    async def _answered(self, run: RunRecord, control: RunControl) -> AsyncGenerator[RunEventBody]:
        """One answer, decoded as it was asked for."""
        model = await self._catalog.get(run.request.model)
        adapter = await self._catalog.adapter(run.request.adapter) if run.request.adapter else None
        async with self._residency.decoder_held(model) as decoder:
            request = await asyncio.to_thread(assembled, run.request, model, decoder.engine, adapter)
            handle = decoder.submit(request)
        control.decoding(handle)
        async with aclosing(handle.deliveries()) as deliveries:
            async for delivery in deliveries:
                if not isinstance(delivery, Injected | Parked):
                    yield _event(delivery, model.name, len(request.prompt))

    async def _worked(
        self, run: RunRecord, control: RunControl, history: Sequence[RunEvent]
    ) -> AsyncGenerator[RunEventBody]:
        """What an agent does, and the calls that a model makes."""
        model = await self._catalog.get(run.request.model)
        adapter = await self._catalog.adapter(run.request.adapter) if run.request.adapter else None
        run_model = RunModel(self._residency, run.request, model, adapter)
        work = await AgentWork.prepared(run, run_model, self._equipment, history)
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
                raise
            interrupted = control.pauses and resumable(run.request)
            yield Paused(reason="interrupted") if interrupted else Cancelled(usage=work.usage)
        else:
            yield Finished(reason=work.reason, usage=work.usage, stop=work.stop)


def _event(delivery: Admitted | Delta | Ended | Stopped | Broken, model: str, prompt_tokens: int) -> RunEventBody:
    match delivery:
        case Admitted():
            return Started(model=model, prompt_tokens=prompt_tokens)
        case Delta(text=text, tokens=tokens, scores=scores):
            return TextDelta(text=text, tokens=tokens, scores=scores)
        case Ended(reason=reason, usage=usage, stop=stop):
            return Finished(reason=reason, usage=usage, stop=stop)
        case Stopped(usage=usage):
            return Cancelled(usage=usage)
        case Broken(error=error):
            raise error
