"""One run from its request to its last event: find the model, assemble the prompt, decode, account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from jackfield.contracts.runs import RunRecord
from jackfield.decoding.handle import SequenceHandle
from jackfield.decoding.request import Admitted, Broken, Delta, Ended, Injected, Stopped
from jackfield.events import Cancelled, Finished, Queued, RunEventBody, Started, TextDelta
from jackfield.models.catalog import ModelCatalog
from jackfield.models.residency import ModelResidency
from jackfield.runs.assembly import assembled


class RunControl:
    """A way to stop a run from outside, whatever stage it is in."""

    def __init__(self) -> None:
        self._handle: SequenceHandle | None = None
        self._task = asyncio.current_task()
        self._stopped = False

    def decoding(self, handle: SequenceHandle) -> None:
        """From here on, to stop means to cancel the sequence; done at once where that was asked for before."""
        self._handle = handle
        if self._stopped:
            handle.cancel()

    def stop(self) -> None:
        """End the run; what it wrote until then stands."""
        self._stopped = True
        if self._handle:
            self._handle.cancel()
        elif self._task:
            self._task.cancel()


class RunLifecycle:
    """The journey that every run takes, wherever it executes. It stores nothing: whoever iterates does."""

    def __init__(self, catalog: ModelCatalog, residency: ModelResidency) -> None:
        self._catalog = catalog
        self._residency = residency

    async def perform(self, run: RunRecord, control: RunControl) -> AsyncGenerator[RunEventBody]:
        """The events of a run in order; raises JackfieldError where it fails."""
        yield Queued(model=run.request.model)
        model = await self._catalog.get(run.request.model)
        adapter = await self._catalog.adapter(run.request.adapter) if run.request.adapter else None
        async with self._residency.decoder_held(model) as decoder:
            request = await asyncio.to_thread(assembled, run.request, model, decoder.engine, adapter)
            handle = decoder.submit(request)
        control.decoding(handle)
        async with aclosing(handle.deliveries()) as deliveries:
            async for delivery in deliveries:
                if not isinstance(delivery, Injected):
                    yield _event(delivery, model.name, len(request.prompt))


def _event(delivery: Admitted | Delta | Ended | Stopped | Broken, model: str, prompt_tokens: int) -> RunEventBody:
    match delivery:
        case Admitted():
            return Started(model=model, prompt_tokens=prompt_tokens)
        case Delta(text=text, tokens=tokens, scores=scores):
            return TextDelta(text=text, tokens=tokens, scores=scores)
        case Ended(reason=reason, usage=usage):
            return Finished(reason=reason, usage=usage)
        case Stopped(usage=usage):
            return Cancelled(usage=usage)
        case Broken(error=error):
            raise error
