"""A whole installation in one plugin: an engine that replays a script, and a store in memory that knows its model."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jackfield.contracts.models import InstalledModel, ModelDescription
from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    from jackfield.contracts.engine import EngineFactory
    from jackfield.contracts.records import Migrator, StateStore, StateStoreFactory

MODEL = "scripted"


class ScriptedModel:
    """The plugin."""

    @hookimpl
    def jackfield_engines(self) -> list[Provided[EngineFactory]]:
        """An engine that says the user's message back."""
        return [Provided("scripted", _engines)]

    @hookimpl
    def jackfield_state_stores(self) -> list[Provided[StateStoreFactory]]:
        """A store in memory."""
        return [Provided("memory", _stores)]

    @hookimpl
    def jackfield_migrators(self) -> list[Provided[Migrator]]:
        """Nothing to migrate."""
        return [Provided("memory", _stores)]


def _engines() -> EngineFactory:
    from jackfield.testing.scripted_engine import ScriptedEngine, echoing
    from jackfield.testing.temporary_workbench import ScriptedFactory

    return ScriptedFactory(lambda: ScriptedEngine(echoing()))


def _stores() -> StateStoreFactory:
    from jackfield.testing.memory_store import InMemoryStateStore
    from jackfield.testing.scripted_engine import ScriptedEngine
    from jackfield.testing.temporary_workbench import MemoryStoreFactory

    class Stores(MemoryStoreFactory):
        """Puts the model on record before the store is used."""

        async def open(self, url: str) -> StateStore:
            store = await super().open(url)
            await store.models.put(_model(Path(__file__), ScriptedEngine().model))
            return store

    return Stores(InMemoryStateStore())


def _model(file: Path, description: ModelDescription) -> InstalledModel:
    return InstalledModel(
        name=MODEL,
        path=file,
        reference=MODEL,
        sha256="0" * 64,
        pulled_at=datetime.now(UTC),
        description=msgspec.structs.replace(description, bytes=file.stat().st_size),
    )


plugin = ScriptedModel()
