"""A run that is cancelled at any moment, also while it is being written to the database, ends as cancelled."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

import jackfield_migrations.plugin
import jackfield_storage.plugin
from jackfield import builtin
from jackfield.contracts.engine import EngineFactory
from jackfield.contracts.records import sqlite_url
from jackfield.contracts.registration import Provided
from jackfield.contracts.runs import RunRequest
from jackfield.hookspecs import hookimpl
from jackfield.messages import Message
from jackfield.plugin_host import PluginHost
from jackfield.settings import load_settings
from jackfield.testing.contract_suites.records_made import a_model
from jackfield.testing.temporary_workbench import ScriptedFactory
from jackfield.wiring import open_workbench
from jackfield_migrations.migrator import AlembicMigrator
from jackfield_storage.state_store import SqlStateStoreFactory


class ScriptedEngines:
    """Offers the scripted engine."""

    @hookimpl
    def jackfield_engines(self) -> list[Provided[EngineFactory]]:
        return [Provided("scripted", ScriptedFactory)]


@pytest.fixture
async def host(tmp_path: Path) -> PluginHost:
    """Scripted engines over a database that has one model."""
    (tmp_path / "model").touch()
    AlembicMigrator().upgrade(sqlite_url(tmp_path))
    store = await SqlStateStoreFactory().open(sqlite_url(tmp_path))
    model = a_model("scripted")
    empty = replace(model.description, bytes=0)
    await store.models.put(replace(model, path=tmp_path / "model", description=empty))
    await store.close()
    host = PluginHost(entries=[])
    for plugin in (builtin, jackfield_storage.plugin, jackfield_migrations.plugin, ScriptedEngines()):
        host.register(plugin, f"{plugin}")
    return host


async def test_a_run_that_is_cancelled_at_any_moment_ends_as_cancelled(host: PluginHost, tmp_path: Path) -> None:
    request = RunRequest(model="scripted", messages=(Message.of("user", "Hello"),), max_tokens=500)
    async with open_workbench(load_settings(home=tmp_path), host) as workbench:
        for patience in range(0, 160, 8):
            run = await workbench.start(request)
            for _ in range(patience):
                await asyncio.sleep(0)
            cancelled = await workbench.cancel(run.id)
            async with asyncio.timeout(20):
                events = [event async for event in workbench.watch(run.id)]
            stored = await workbench.runs.events(run.id)
            assert [event.number for event in stored] == list(range(1, len(stored) + 1))
            assert events[-1] == stored[-1]
            assert (await workbench.run(run.id)).state == ("cancelled" if cancelled else "finished")
