"""The one object that every door talks to: runs, models, conversations, embeddings."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from jackfield.contracts.executors import Executor
from jackfield.contracts.identity import Principal
from jackfield.contracts.models import InstalledModel
from jackfield.contracts.records import ConversationRecords, RunRecords, StateStore
from jackfield.contracts.runs import RunRecord, RunRequest, ToolUse
from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield.contracts.uploads import BlobStore, UploadRecords
from jackfield.contracts.workers import LiveWorker
from jackfield.errors import CallDenied, Conflict, InvalidRequest, JackfieldError, NameTaken, NoWorker, RunNotFound
from jackfield.events import Decided, RunEvent
from jackfield.files.libraries import Libraries
from jackfield.files.library import Library
from jackfield.files.semantic_stores import SemanticStores
from jackfield.identifiers import new_identifier
from jackfield.identity.budgets import Bookkeeping
from jackfield.identity.desk import Identity
from jackfield.identity.local_mode import LOCAL
from jackfield.identity.roles import require, require_model
from jackfield.identity.spending_limits import SpendingLimits
from jackfield.memory.taker import MemoryTaker
from jackfield.models.catalog import ModelCatalog
from jackfield.models.naming import DEFAULT
from jackfield.models.residency import ModelResidency
from jackfield.plugin_host import PluginHost
from jackfield.runs.admission import Admission
from jackfield.runs.equipment import Equipment
from jackfield.runs.journal import RunJournal, failure
from jackfield.runs.prompt_length import prompt_length
from jackfield.runs.replay import waiting_calls
from jackfield.settings import Settings
from jackfield.telemetry.origin import carried_origin
from jackfield.tools.approval import DOES, Approval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embeddings(msgspec.Struct, frozen=True):
    """Vectors of unit length, (n, dimensions), and how many tokens were read for them."""

    vectors: NDArray[np.float32]
    prompt_tokens: int


def missing_run(run_id: str) -> RunNotFound:
    """The error for a run that is not there, or not for whoever asks."""
    return RunNotFound(f"There is no run '{run_id}' (it may have been pruned, see runs.keep_days).")


_IF_DEAD = (
    " If the process that ran it died, it can be taken up once no other Jackfield process uses the same data folder."
)


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
        equipment: Equipment,
        executor: Executor,
        books: Bookkeeping,
        admission: Admission,
        semantic: SemanticStores,
        libraries: Libraries,
        taker: MemoryTaker,
        identity: Identity | None = None,
    ) -> None:
        self.settings = settings
        self.plugins = plugins
        self.models = catalog
        self.residency = residency
        self.identity = identity
        self.admission = admission
        self.semantic = semantic
        self.libraries = libraries
        self.taker = taker
        self._books = books
        self.tool_catalog = equipment.catalog
        self._equipment = equipment
        self._store = store
        self._executor = executor

    @property
    def runs(self) -> RunRecords:
        """Runs on record."""
        return self._store.runs

    @property
    def spending_limits(self) -> SpendingLimits:
        """Budgets, and what is used of them."""
        return SpendingLimits(self._store.budgets, self._store.identity, self._books.budgets_changed)

    @cached_property
    def blobs(self) -> BlobStore:
        """Uploaded bytes; raises NothingRegistered or MissingDependency."""
        return self.plugins.registry.blob_stores.first().open(self.settings.blobs_folder)

    @property
    def uploads(self) -> UploadRecords:
        """Uploaded files on record."""
        return self._store.uploads

    def library(self, principal: Principal = LOCAL) -> Library:
        """Semantic files as somebody sees them; raises NothingRegistered or MissingDependency."""
        return self.libraries.of(principal)

    @property
    def conversations(self) -> ConversationRecords:
        """Conversations on record."""
        return self._store.conversations

    async def start(
        self, request: RunRequest, *, principal: Principal | None = None, trace: str | None = None
    ) -> RunRecord:
        """Put a run on record and begin it, on the account of a `principal` where there is one.

        Raises NotAllowed, NotFound, InvalidRequest, QuotaReached or Overloaded before anything is written. A run that
        no executor takes (ShuttingDown, Overloaded) stays on record as failed. `trace` is a W3C trace context,
        that of the request being answered unless given.
        """
        model = await self.allowed_model(request.model, principal)
        if request.adapter:
            if principal:
                require_model(principal, request.adapter, parameter="adapter")
            await self.models.adapter(request.adapter)
        await self._equipment.check(request)
        await self._check_files(request, principal)
        await self._executor.check_room(model.name)
        run = await self._recorded(msgspec.structs.replace(request, model=model.name), principal, trace)
        try:
            await self._executor.submit(run)
        except JackfieldError as error:
            await RunJournal(self._store.runs, run, spent=self._books.prices.spending).write(failure(error))
            await self.admission.withdraw(run.account, run.id)
            raise
        self.taker.take(run)
        return run

    async def _check_files(self, request: RunRequest, principal: Principal | None) -> None:
        """Raises CollectionNotFound, or NothingRegistered, for files that a run could not look in."""
        if request.files is None:
            return
        if request.prompt is not None:
            raise InvalidRequest("Files are looked in for messages, not for a raw prompt.", parameter="files")
        library = self.library(principal or LOCAL)
        for name in request.files.collections:
            await library.opened(name)

    async def _recorded(self, request: RunRequest, principal: Principal | None, trace: str | None) -> RunRecord:
        run_id = new_identifier("run")
        admitted = await self.admission.admit(run_id, request, principal)
        run = RunRecord(
            id=run_id,
            request=admitted.request,
            state="queued",
            created_at=datetime.now(UTC),
            account=admitted.account,
            leased_until=self._executor.offered_until(),
            trace=trace or carried_origin(),
        )
        try:
            await self._store.runs.add(run, admitted.reservation)
        except JackfieldError:
            await self.admission.withdraw(run.account, run.id)
            raise
        return run

    async def seen_model(self, name: str, principal: Principal) -> InstalledModel:
        """A model by its name or as the default; raises ModelNotFound also for one that is not for this principal."""
        if name not in ("", DEFAULT):
            require_model(principal, name)
        model = await self.models.get(name)
        require_model(principal, model.name)
        return model

    async def allowed_model(self, name: str, principal: Principal | None) -> InstalledModel:
        """A model to be asked; raises NotAllowed for those who may ask none, or ModelNotFound as `seen_model` does."""
        if principal is None:
            return await self.models.get(name)
        require(principal, "inference")
        return await self.seen_model(name, principal)

    async def count_tokens(self, request: RunRequest, *, principal: Principal | None = None) -> int:
        """How many tokens a request's prompt takes; raises NotAllowed, NotFound or InvalidRequest."""
        model = await self.allowed_model(request.model, principal)
        return await prompt_length(request, model, self.residency, self._equipment)

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
            raise missing_run(run_id)
        return run

    async def decide(self, run_id: str, *, approved: bool, call: str | None = None, reason: str = "") -> RunRecord:
        """Approve or deny a call that a run waits for, or all of them; the run goes on once none is left.

        Raises RunNotFound, or Conflict where nothing waits.
        """
        run, history = await self._paused(run_id)
        waiting = waiting_calls(history)
        chosen = [pending for pending in waiting if call in (None, pending.call.identifier)]
        if not waiting:
            raise Conflict(f"Run '{run_id}' waits for no approval; resume it to go on.")
        if not chosen:
            listed = ", ".join(f"'{pending.call.identifier}'" for pending in waiting)
            raise Conflict(f"Run '{run_id}' does not wait for call '{call}'; it waits for {listed}.")
        journal = RunJournal(self._store.runs, run, history, spent=self._books.prices.spending)
        try:
            for pending in chosen:
                await journal.write(Decided(call=pending.call, approved=approved, reason=reason))
        except NameTaken as error:
            raise Conflict(f"Somebody decided on run '{run_id}' at the same moment; look at it again.") from error
        return run if len(chosen) < len(waiting) else await self.resume(run_id)

    async def resume(self, run_id: str) -> RunRecord:
        """Go on with a paused run whose calls are all decided on; raises RunNotFound or Conflict."""
        run, history = await self._paused(run_id)
        if waiting := waiting_calls(history):
            raise Conflict(
                f"Run '{run_id}' waits for approval of {', '.join(pending.call.tool for pending in waiting)}; "
                "approve or deny first."
            )
        await self._executor.submit(run, history)
        return await self.run(run_id)

    async def tools(self) -> tuple[ToolDescription, ...]:
        """Every tool that can be called here; `tool_catalog.failures` says which cannot and why."""
        return tuple(tool.description for tool in (await self.tool_catalog.all()).values())

    async def call_tool(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        use: ToolUse | None = None,
        principal: Principal = LOCAL,
    ) -> ToolResult:
        """Call a tool for somebody outside; raises ToolNotFound, or CallDenied for what is not allowed.

        `use` may give a folder, and permissions beyond those in the settings; files are the `principal`'s.
        """
        use = msgspec.structs.replace(use or ToolUse(), names=(name,))
        scope = self._equipment.scope(new_identifier("call"), use, principal)
        tool = (await self._equipment.tools(use, scope))[name]
        if not Approval(use, self._equipment.defaults.allowed, ()).permits(tool.description):
            raise CallDenied(
                f"Tool '{name}' {DOES[tool.description.permission]}; "
                f"allow that with 'tools.allow = [\"{tool.description.permission}\"]' in the settings."
            )
        return await self._equipment.runner.run(tool, arguments)

    async def _paused(self, run_id: str) -> tuple[RunRecord, tuple[RunEvent, ...]]:
        run = await self.run(run_id)
        if run.state != "paused":
            raise Conflict(
                f"Run '{run_id}' is {run.state} and waits for nobody.{_IF_DEAD if run.state == 'running' else ''}"
            )
        return run, await self._store.runs.events(run_id)

    async def embed(self, model: str, texts: Sequence[str], *, principal: Principal | None = None) -> Embeddings:
        """Texts as vectors; raises NotAllowed, ModelNotFound, ContextOverflow or QuotaReached."""
        installed = await self.allowed_model(model, principal)
        async with self.admission.embedding(installed.name, texts, principal) as spent:
            vectors, tokens = await self._executor.embed(installed, texts)
            spent.tokens = tokens
        return Embeddings(vectors, tokens)

    @property
    def runs_elsewhere(self) -> bool:
        """Whether runs go on when this process ends."""
        return self._executor.elsewhere

    def workers(self) -> tuple[LiveWorker, ...]:
        """Who executes runs now, as far as is known here."""
        return self._executor.workers()

    async def waiting(self) -> Mapping[str, int]:
        """How many runs were sent to workers and not begun, by model; raises BrokerUnavailable."""
        return await self._executor.waiting([model.name for model in await self.models.all()])

    async def check_store(self) -> None:
        """Raises StateUnavailable unless the database can be read and written now."""
        await self._store.check()

    async def check_broker(self) -> None:
        """Raises BrokerUnavailable where what carries runs to their workers cannot be reached."""
        await self._executor.check()

    async def check(self) -> None:
        """Raises StateUnavailable, BrokerUnavailable, NoWorker or ModelLoading unless a request would be served now."""
        await self._store.check()
        await self._executor.check()
        if not self._executor.workers():
            raise NoWorker("No worker is running; start one with `jackfield worker`.")
        self.residency.check_ready()
