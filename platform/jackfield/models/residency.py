"""Which models are in memory, for writing and for embedding, and who gives way when another does not fit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, TypeVar

import structlog

from jackfield.contracts.engine import EngineFactory, EngineSettings, TokenEngine
from jackfield.contracts.models import InstalledModel
from jackfield.decoding.lookahead.drafter import Drafter
from jackfield.decoding.lookahead.lookup_drafter import PromptLookupDrafter
from jackfield.decoding.lookahead.planner import Lookahead
from jackfield.decoding.saved_prefixes import SavedPrefixes
from jackfield.errors import (
    EngineFailure,
    InvalidRequest,
    JackfieldError,
    ModelFileInvalid,
    ModelLoading,
    ModelTooLarge,
    Overloaded,
)
from jackfield.models.adapters import require_model
from jackfield.models.embedding_worker import EmbeddingWorker
from jackfield.models.installing import usable_engines
from jackfield.models.residents import LoadedModel, Residents
from jackfield.registry import Shelf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jackfield.decoding.lookahead.draft_model import DraftModel
    from jackfield.decoding.loop import DecodeLoop

log = structlog.get_logger()

Opened = TypeVar("Opened")


async def _no_model() -> InstalledModel | None:
    return None


class ModelResidency:
    """Opens models on first use and holds them. Usable from one event loop."""

    def __init__(
        self,
        engines: Shelf[EngineFactory],
        *,
        settings: EngineSettings,
        queue_limit: int,
        load_timeout: float,
        memory: int = 0,
        saved_prefixes: Callable[[InstalledModel], SavedPrefixes],
        lookahead: bool = True,
        draft_model: Callable[[], Awaitable[InstalledModel | None]] = _no_model,
    ) -> None:
        """`saved_prefixes` gives a model's own, blocking; `draft_model` is the small model that guesses for others.

        `memory` is how many bytes models may take together; 0 is what the machine has.
        """
        self._engines = engines
        self._settings = settings
        self._memory = memory
        self._needs: dict[str, int] = {}
        self._queue_limit = queue_limit
        self._saved_prefixes = saved_prefixes
        self._looks_ahead = lookahead
        self._draft_model = draft_model
        self._decoders = Residents("generate", self._open_decoder, load_timeout=load_timeout)
        self._embedders = Residents("embed", self._open_embedder, load_timeout=load_timeout)
        self._one_at_a_time = asyncio.Lock()
        self._preloading: asyncio.Task[None] | None = None
        self._preload_error: JackfieldError | None = None

    def decoder_held(self, model: InstalledModel) -> AbstractAsyncContextManager[DecodeLoop]:
        """The decode loop of a model, which does not give way to others until the block is left.

        Raises ModelError, or ModelLoading when that takes too long.
        """
        return self._decoders.held(model)

    async def decoder(self, model: InstalledModel) -> DecodeLoop:
        """The same loop, which may give way at any time that it has nothing to do."""
        async with self.decoder_held(model) as decoder:
            return decoder

    async def embed(self, model: InstalledModel, texts: Sequence[str]) -> tuple[NDArray[np.float32], int]:
        """Unit vectors, (n, dimensions), and the number of tokens read."""
        async with self._embedders.held(model) as worker:
            return await worker.embed(texts)

    def loaded(self) -> tuple[LoadedModel, ...]:
        """What is in memory now."""
        return self._decoders.loaded() + self._embedders.loaded()

    def decoders(self) -> tuple[tuple[str, DecodeLoop], ...]:
        """The models in memory that write, by name; one name stands twice while it means two files."""
        return self._decoders.workers()

    def preload(self, model: InstalledModel) -> None:
        """Begin to load a model in the background; `check_ready` tells how far it is."""
        self._preloading = asyncio.create_task(self._preload(model), name=f"preload-{model.name}")

    def check_ready(self) -> None:
        """Raises ModelLoading while a preloaded model loads, or the error that ended it until a model is in memory."""
        if self._preloading and not self._preloading.done():
            raise ModelLoading("The model is still loading.", retry_after=2)
        if self._preload_error and not self._decoders.loaded():
            raise self._preload_error

    async def close(self) -> None:
        """Unload everything, ending what runs."""
        if self._preloading:
            self._preloading.cancel()
            await asyncio.wait([self._preloading])
        await self._decoders.close()
        await self._embedders.close()

    async def _preload(self, model: InstalledModel) -> None:
        try:
            await self.decoder(model)
        except JackfieldError as error:
            log.error("model could not be loaded", model=model.name, reason=error.message)
            self._preload_error = error
        except Exception as error:
            log.exception("model could not be loaded", model=model.name)
            self._preload_error = EngineFailure(f"Loading '{model.name}' failed unexpectedly ({type(error).__name__}).")

    async def _open_decoder(self, model: InstalledModel) -> DecodeLoop:
        require_model(model)
        if not model.description.generates:
            raise InvalidRequest(f"Model '{model.name}' embeds texts and writes none.", parameter="model")
        engine = await self._open_engine(model)
        try:
            from jackfield.decoding.loop import DecodeLoop  # numpy with it, for commands that open no model

            saved = await asyncio.to_thread(self._saved_prefixes, model)
            lookahead = await self._lookahead(model, engine)
        except BaseException:
            engine.close()
            raise
        return DecodeLoop(engine, queue_limit=self._queue_limit, saved=saved, lookahead=lookahead)

    async def _open_engine(self, model: InstalledModel) -> TokenEngine:
        engine = await self._opened(model, lambda factory: factory.open(model, self._settings))
        if not isinstance(engine, TokenEngine):
            raise InvalidRequest(f"Model '{model.name}' is not one that evaluates tokens.", parameter="model")
        return engine

    async def _lookahead(self, model: InstalledModel, engine: TokenEngine) -> Lookahead:
        """What guesses for a model; a draft model that cannot is left out and said so, since it may suit others."""
        drafters: list[Drafter] = [PromptLookupDrafter()] if self._looks_ahead else []
        try:
            draft = await self._draft_model() if self._looks_ahead else None
            if draft is not None and draft.sha256 != model.sha256:
                drafters.append(await self._draft_drafter(draft, engine))
        except JackfieldError as error:
            log.warning("the draft model is not used", model=model.name, reason=error.message)
        return Lookahead(drafters)

    async def _draft_drafter(self, draft: InstalledModel, engine: TokenEngine) -> DraftModel:
        small = await self._open_engine(draft)
        try:
            from jackfield.decoding.lookahead.draft_model import DraftModel

            return await asyncio.to_thread(DraftModel, small, engine)
        except BaseException:
            small.close()
            raise

    async def _open_embedder(self, model: InstalledModel) -> EmbeddingWorker:
        require_model(model)

        def opened_by(factory: EngineFactory) -> EmbeddingWorker:
            return EmbeddingWorker(lambda: factory.open_embedding(model, self._settings), queue_limit=self._queue_limit)

        return await self._opened(model, opened_by)

    async def _opened(self, model: InstalledModel, open_with: Callable[[EngineFactory], Opened]) -> Opened:
        """What the first engine that knows the file makes of it; raises the first engine's refusal if none does."""
        refusals: list[ModelFileInvalid] = []
        async with self._one_at_a_time:
            for factory in await asyncio.to_thread(usable_engines, self._engines):
                try:
                    await self._make_room(model, factory)
                    log.info("loading model", model=model.name, path=str(model.path))
                    return await asyncio.to_thread(open_with, factory)
                except ModelFileInvalid as error:
                    refusals.append(error)
        raise refusals[0]

    async def _make_room(self, model: InstalledModel, factory: EngineFactory) -> None:
        """Unload idle models, least lately used first, until this one fits.

        Raises Overloaded where others that are busy hold the memory, and ModelTooLarge where nobody does.
        """
        while lack := await self._lack(model, factory):
            idle = (*self._decoders.idle(), *self._embedders.idle())
            if not idle and self.loaded():
                busy = ", ".join(loaded.name for loaded in self.loaded())
                raise Overloaded(f"{lack} Loaded and busy: {busy}; try again once they are idle.")
            if not idle:
                raise ModelTooLarge(lack)
            oldest = min(idle, key=lambda other: other.used_at)
            log.info("unloading an idle model to make room", model=oldest.name, room_for=model.name)
            await oldest.unload()

    async def _lack(self, model: InstalledModel, factory: EngineFactory) -> str:
        """Why a model cannot be opened beside what is in memory, as a sentence; nothing where it can."""
        fit = await asyncio.to_thread(factory.fits, model, self._settings)
        if not fit.fits:
            return fit.reason
        taken = sum(self._needs.get(loaded.name, loaded.bytes) for loaded in self.loaded())
        if self._memory and taken + fit.bytes_needed > self._memory:
            return (
                f"'{model.name}' needs {fit.bytes_needed >> 20} MB, and of the {self._memory >> 20} MB that models may "
                f"take together (jobs.memory_mb) {taken >> 20} are taken."
            )
        self._needs[model.name] = fit.bytes_needed
        return ""
