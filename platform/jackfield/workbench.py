"""The one object that every door talks to: runs, models, conversations, embeddings."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from jackfield.contracts.executors import Executor
from jackfield.contracts.records import ConversationRecords, RunRecords, StateStore
from jackfield.contracts.runs import RunRecord, RunRequest
from jackfield.errors import JackfieldError, RunNotFound
from jackfield.events import RunEvent
from jackfield.identifiers import new_identifier
from jackfield.models.catalog import ModelCatalog
from jackfield.models.residency import ModelResidency
from jackfield.plugin_host import PluginHost
from jackfield.runs.journal import RunJournal, failure
from jackfield.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embeddings(msgspec.Struct, frozen=True):
    """Vectors of unit length, (n, dimensions), and how many tokens were read for them."""

    vectors: NDArray[np.float32]
    prompt_tokens: int


class Workbench:
    """Jackfield as one object. Usable from one event loop; made by `wiring.open_workbench`."""

    def __init__(
        self,
        *,
        settings: Settings,
        plugins: PluginHost,
        store: StateStore,
        catalog: ModelCatalog,
        residency: ModelResidency,
        executor: Executor,
    ) -> None:
        self.settings = settings
        self.plugins = plugins
        self.models = catalog
        self.residency = residency
        self._store = store
        self._executor = executor

    @property
    def runs(self) -> RunRecords:
        """Runs on record."""
        return self._store.runs

    @property
    def conversations(self) -> ConversationRecords:
        """Conversations on record."""
        return self._store.conversations

    async def start(self, request: RunRequest) -> RunRecord:
        """Put a run on record and begin it; raises ModelNotFound or InvalidRequest before anything is written.

        One that no executor takes (ShuttingDown, Overloaded) stays on record as failed.
        """
        model = await self.models.get(request.model)
        if request.adapter:
            await self.models.adapter(request.adapter)
        request = msgspec.structs.replace(request, model=model.name)
        run = RunRecord(id=new_identifier("run"), request=request, state="queued", created_at=datetime.now(UTC))
        await self._store.runs.add(run)
        try:
            await self._executor.submit(run)
        except JackfieldError as error:
            await RunJournal(self._store.runs, run).write(failure(error))
            raise
        return run

    def watch(self, run_id: str, *, after: int = 0) -> AsyncGenerator[RunEvent]:
        """A run's events with a greater number, past and to come; any number of watchers may follow."""
        return self._executor.watch(run_id, after=after)

    async def cancel(self, run_id: str) -> bool:
        """Stop a run within one decoding step; False when it had ended already."""
        return await self._executor.cancel(run_id)

    async def run(self, run_id: str) -> RunRecord:
        """A run as it stands; raises RunNotFound."""
        run = await self._store.runs.get(run_id)
        if run is None:
            raise RunNotFound(f"There is no run '{run_id}' (it may have been pruned, see runs.keep_days).")
        return run

    async def embed(self, model: str, texts: Sequence[str]) -> Embeddings:
        """Texts as vectors; raises ModelNotFound or ContextOverflow."""
        installed = await self.models.get(model)
        vectors, tokens = await self.residency.embed(installed, texts)
        return Embeddings(vectors, tokens)

    async def check(self) -> None:
        """Raises StateUnavailable or ModelLoading unless a request would be served now."""
        await self._store.check()
        self.residency.check_ready()
