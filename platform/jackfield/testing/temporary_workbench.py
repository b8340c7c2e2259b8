"""A whole workbench in memory around a scripted engine: no weights, no files, no network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jackfield import builtin
from jackfield.contracts.engine import EngineFactory, EngineSettings, Fit
from jackfield.contracts.models import InstalledModel, ModelDescription
from jackfield.contracts.records import Migrator, StateStore, StateStoreFactory
from jackfield.contracts.registration import Provided
from jackfield.contracts.uploads import BlobStoreFactory
from jackfield.hookspecs import hookimpl
from jackfield.plugin_host import PluginHost
from jackfield.settings import Settings, load_settings
from jackfield.testing.memory_blobs import InMemoryBlobStores
from jackfield.testing.memory_store import InMemoryStateStore
from jackfield.testing.scripted_engine import ScriptedEmbeddingEngine, ScriptedEngine
from jackfield.wiring import open_workbench
from jackfield.workbench import Workbench

MODEL = "scripted"


class ScriptedFactory:
    """Opens scripted engines, whatever file it is shown."""

    name = "scripted"

    def __init__(self, make: Callable[[], ScriptedEngine] = ScriptedEngine) -> None:
        self._make = make
        self.opened: list[ScriptedEngine] = []

    def inspect(self, path: Path) -> ModelDescription:
        """What every scripted engine says of itself."""
        return ScriptedEngine().model

    def fits(self, model: InstalledModel, settings: EngineSettings) -> Fit:
        """Always."""
        return Fit(fits=True, bytes_needed=1, bytes_available=2)

    def open(self, model: InstalledModel, settings: EngineSettings) -> ScriptedEngine:
        """A new engine, which `opened` remembers."""
        self.opened.append(self._make())
        return self.opened[-1]

    def open_embedding(self, model: InstalledModel, settings: EngineSettings) -> ScriptedEmbeddingEngine:
        """Vectors of letter counts."""
        return ScriptedEmbeddingEngine()


class MemoryStoreFactory:
    """Opens one store in memory, and needs no migration."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    def claims(self, url: str) -> bool:
        """Any address."""
        return True

    async def open(self, url: str) -> StateStore:
        """The store it was made with."""
        return self._store

    def upgrade(self, url: str) -> tuple[str, ...]:
        """Nothing to apply."""
        return ()

    def current(self, url: str) -> str | None:
        """Always up to date."""
        return self.newest()

    def newest(self) -> str:
        """There is one revision."""
        return "memory"


class TemporaryPlugin:
    """Registers a scripted engine factory and a store in memory."""

    def __init__(self, factory: EngineFactory, store: StateStore) -> None:
        self._factory = factory
        self._stores = MemoryStoreFactory(store)

    @hookimpl
    def jackfield_engines(self) -> list[Provided[EngineFactory]]:
        """The scripted factory."""
        return [Provided("scripted", lambda: self._factory)]

    @hookimpl
    def jackfield_state_stores(self) -> list[Provided[StateStoreFactory]]:
        """The store in memory."""
        return [Provided("memory", lambda: self._stores)]

    @hookimpl
    def jackfield_blob_stores(self) -> list[Provided[BlobStoreFactory]]:
        """Bytes in memory."""
        return [Provided("memory", InMemoryBlobStores)]

    @hookimpl
    def jackfield_migrators(self) -> list[Provided[Migrator]]:
        """Nothing to migrate."""
        return [Provided("memory", lambda: self._stores)]


@asynccontextmanager
async def temporary_workbench(
    folder: Path,
    make_engine: Callable[[], ScriptedEngine] = ScriptedEngine,
    *,
    plugins: tuple[tuple[str, object], ...] = (),
    store: StateStore | None = None,
    **settings: Any,
) -> AsyncIterator[Workbench]:
    """A workbench whose one model, the default, is named `scripted`; `plugins` are (name, plugin) pairs.

    A `store` that is given is used in place of one in memory, and closed in the end.
    """
    store = store or InMemoryStateStore()
    model_file = folder / "scripted.model"
    model_file.parent.mkdir(parents=True, exist_ok=True)
    model_file.write_bytes(b"\x00")
    await store.models.put(_installed(model_file))
    host = PluginHost(entries=[])
    host.register(builtin, "platform")
    host.register(TemporaryPlugin(ScriptedFactory(make_engine), store), "temporary")
    for name, plugin in plugins:
        host.register(plugin, name)
    chosen: Settings = load_settings(home=folder, database_url="memory:", **settings)
    async with open_workbench(chosen, host) as workbench:
        yield workbench


def _installed(path: Path) -> InstalledModel:
    return InstalledModel(
        name=MODEL,
        path=path,
        reference="scripted",
        sha256="0" * 64,
        pulled_at=datetime.now(UTC),
        description=ScriptedEngine().model,
    )
