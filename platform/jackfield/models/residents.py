"""Models loaded for one purpose: each is opened once, on first use, and shared by everyone who asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Generic, Protocol, TypeVar

import msgspec

from jackfield.contracts.models import InstalledModel
from jackfield.decoding.cache_use import CacheUse
from jackfield.errors import ModelLoading


class LoadedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model in memory; `bytes` is its file's size, `requests` how many wait or run. Not every model has a cache."""

    name: str
    purpose: str
    bytes: int
    context_length: int
    requests: int
    loaded_at: datetime
    used_at: datetime
    cache: CacheUse | None = None


class IdleModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model in memory that can be unloaded without ending anything."""

    name: str
    used_at: datetime
    unload: Callable[[], Awaitable[None]]


class Worker(Protocol):
    """What a loaded model works through: a decode loop, or an embedding worker."""

    @property
    def load(self) -> int: ...

    @property
    def context_length(self) -> int: ...

    @property
    def cache_use(self) -> CacheUse | None:
        """How full its KV cache is; None where it keeps none between requests."""
        ...

    @property
    def ended(self) -> bool:
        """Whether it takes no more work, closed or after a fault."""
        ...

    def close(self) -> None:
        """Unload the model. Blocking."""
        ...


W = TypeVar("W", bound=Worker)


class Resident(Generic[W]):
    """One loaded model, or one that is being loaded."""

    def __init__(self, model: InstalledModel, opening: asyncio.Future[W]) -> None:
        self.model = model
        self.opening = opening
        self.holders = 0
        self.used_at = self.loaded_at = datetime.now(UTC)

    @property
    def worker(self) -> W | None:
        """The loaded model; None while it loads or when that failed."""
        done = self.opening.done() and not self.opening.cancelled() and self.opening.exception() is None
        return self.opening.result() if done else None

    @property
    def idle(self) -> bool:
        """Whether it is loaded, has nothing to do, and nobody is about to ask it for something."""
        worker = self.worker
        return worker is not None and worker.load == 0 and self.holders == 0


Key = tuple[str, str]
"""A name and the content of its file: a name that was given to another file is another model."""


class Residents(Generic[W]):
    """The loaded models of one purpose. Usable from one event loop."""

    def __init__(
        self, purpose: str, open_worker: Callable[[InstalledModel], Awaitable[W]], *, load_timeout: float
    ) -> None:
        self._purpose = purpose
        self._open_worker = open_worker
        self._load_timeout = load_timeout
        self._residents: dict[Key, Resident[W]] = {}

    @asynccontextmanager
    async def held(self, model: InstalledModel) -> AsyncIterator[W]:
        """A model's worker, opened now if need be, and not idle until the block is left.

        Raises what opening raises, or ModelLoading after the time-out.
        """
        resident = self._resident(model)
        resident.holders += 1
        try:
            yield await self._opened(resident)
        finally:
            resident.holders -= 1
            resident.used_at = datetime.now(UTC)

    def loaded(self) -> tuple[LoadedModel, ...]:
        """What is in memory now, in the order it was asked for."""
        return tuple(
            LoadedModel(
                name=resident.model.name,
                purpose=self._purpose,
                bytes=resident.model.description.bytes,
                context_length=worker.context_length,
                requests=worker.load,
                loaded_at=resident.loaded_at,
                used_at=resident.used_at,
                cache=worker.cache_use,
            )
            for resident in self._residents.values()
            if (worker := resident.worker)
        )

    def workers(self) -> tuple[tuple[str, W], ...]:
        """The loaded models' names, each with what it works through; a name that was given anew may stand twice."""
        return tuple(
            (resident.model.name, worker) for resident in self._residents.values() if (worker := resident.worker)
        )

    def idle(self) -> tuple[IdleModel, ...]:
        """What is in memory for nothing now."""
        return tuple(
            IdleModel(name=resident.model.name, used_at=resident.used_at, unload=partial(self.unload, resident))
            for resident in self._residents.values()
            if resident.idle
        )

    async def unload(self, resident: Resident[W]) -> None:
        """Close a model, ending what it does; one that is still loading is closed once it has loaded."""
        del self._residents[_key(resident.model)]
        await asyncio.wait([resident.opening])
        if worker := resident.worker:
            await asyncio.to_thread(worker.close)

    async def close(self) -> None:
        """Unload everything."""
        for resident in list(self._residents.values()):
            await self.unload(resident)

    def _resident(self, model: InstalledModel) -> Resident[W]:
        resident = self._residents.get(_key(model))
        ended = resident is not None and resident.worker is not None and resident.worker.ended
        return self._begin(model) if resident is None or ended else resident

    async def _opened(self, resident: Resident[W]) -> W:
        try:
            # Not wait_for: in Python 3.11 it loses a cancel that comes in the moment that the model is there.
            async with asyncio.timeout(self._load_timeout):
                return await asyncio.shield(resident.opening)
        except TimeoutError as error:
            name = resident.model.name
            raise ModelLoading(f"Model '{name}' is still loading; try again later.", retry_after=10) from error

    def _begin(self, model: InstalledModel) -> Resident[W]:
        resident = Resident(model, asyncio.ensure_future(self._open_worker(model)))
        self._residents[_key(model)] = resident
        resident.opening.add_done_callback(lambda _: self._settle(resident))
        return resident

    def _settle(self, resident: Resident[W]) -> None:
        """Let the next request try again where opening failed; those that waited have the error."""
        resident.loaded_at = datetime.now(UTC)
        key = _key(resident.model)
        if resident.worker is None and self._residents.get(key) is resident:
            del self._residents[key]


def _key(model: InstalledModel) -> Key:
    return model.name, model.sha256
