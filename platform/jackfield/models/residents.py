"""Models loaded for one purpose: each is opened once, on first use, and shared by everyone who asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

import msgspec

from jackfield.contracts.models import InstalledModel
from jackfield.errors import ModelLoading


class LoadedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model in memory; `bytes` is its file's size, `requests` how many wait or run."""

    name: str
    purpose: str
    bytes: int
    context_length: int
    requests: int
    loaded_at: datetime
    used_at: datetime


class Worker(Protocol):
    """What a loaded model works through: a decode loop, or an embedding worker."""

    @property
    def load(self) -> int: ...

    @property
    def context_length(self) -> int: ...

    def close(self) -> None:
        """Unload the model. Blocking."""
        ...


W = TypeVar("W", bound=Worker)


class Resident(Generic[W]):
    """One loaded model, or one that is being loaded."""

    def __init__(self, model: InstalledModel, opening: asyncio.Future[W]) -> None:
        self.model = model
        self.opening = opening
        self.used_at = self.loaded_at = datetime.now(UTC)

    @property
    def worker(self) -> W | None:
        """The loaded model; None while it loads or when that failed."""
        done = self.opening.done() and not self.opening.cancelled() and self.opening.exception() is None
        return self.opening.result() if done else None


class Residents(Generic[W]):
    """The loaded models of one purpose, by name. Usable from one event loop."""

    def __init__(
        self, purpose: str, open_worker: Callable[[InstalledModel], Awaitable[W]], *, load_timeout: float
    ) -> None:
        self._purpose = purpose
        self._open_worker = open_worker
        self._load_timeout = load_timeout
        self._residents: dict[str, Resident[W]] = {}

    async def worker(self, model: InstalledModel) -> W:
        """A model's worker, opened now if need be; raises what opening raises, or ModelLoading after the time-out."""
        resident = self._residents.get(model.name) or self._begin(model)
        try:
            worker = await asyncio.wait_for(asyncio.shield(resident.opening), self._load_timeout)
        except TimeoutError as error:
            raise ModelLoading(f"Model '{model.name}' is still loading; try again later.", retry_after=10) from error
        resident.used_at = datetime.now(UTC)
        return worker

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
            )
            for resident in self._residents.values()
            if (worker := resident.worker)
        )

    async def unload(self, name: str) -> None:
        """Close a model, ending what it does; one that is still loading is closed once it has loaded."""
        resident = self._residents.pop(name)
        await asyncio.wait([resident.opening])
        if worker := resident.worker:
            await asyncio.to_thread(worker.close)

    async def close(self) -> None:
        """Unload everything."""
        for name in list(self._residents):
            await self.unload(name)

    def _begin(self, model: InstalledModel) -> Resident[W]:
        resident = Resident(model, asyncio.ensure_future(self._open_worker(model)))
        self._residents[model.name] = resident
        resident.opening.add_done_callback(lambda _: self._settle(resident))
        return resident

    def _settle(self, resident: Resident[W]) -> None:
        """Let the next request try again where opening failed; those that waited have the error."""
        resident.loaded_at = datetime.now(UTC)
        if resident.worker is None and self._residents.get(resident.model.name) is resident:
            del self._residents[resident.model.name]
