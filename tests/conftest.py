"""What every test starts from."""

from __future__ import annotations

import gc
import logging
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog

from jackfield.contracts.records import sqlite_url
from jackfield.logs import StderrHandler
from jackfield.testing.scripted_engine import ScriptedEngine
from jackfield.testing.temporary_workbench import MODEL, temporary_workbench
from jackfield.workbench import Workbench

# As its own profile for CI, which it takes there: how long an example takes is no property of the code.
hypothesis.settings.register_profile(
    "steady", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
if not os.environ.get("CI"):
    hypothesis.settings.load_profile("steady")


gc.disable()  # until the tests are collected

ALL_MARKED = re.compile(r"^pytestmark = (?:\[)?pytest\.mark\.(\w+)", re.MULTILINE)
ONLY_WITHOUT = re.compile(r"not \w+(?: and not \w+)*")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave alone a file all of whose tests are marked as ones that are not to run: importing some takes seconds."""
    expression = config.getoption("markexpr")
    if collection_path.suffix != ".py" or not ONLY_WITHOUT.fullmatch(expression):
        return None
    marked = ALL_MARKED.search(collection_path.read_text(encoding="utf-8"))
    return True if marked and f"not {marked[1]}" in expression.split(" and ") else None


def pytest_collection_finish() -> None:
    """Keep the thousands of collected tests out of every garbage collection: a fifth of a run went there."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _logs_as_at_start() -> Iterator[None]:
    """Commands that run in the test's own process configure logging for the whole process."""
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, StderrHandler)]:
        root.removeHandler(handler)
        root.setLevel(logging.WARNING)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An up-to-date SQLite database to copy, for copying is quicker than migrating."""
    from jackfield_migrations.migrator import AlembicMigrator

    folder = tmp_path_factory.mktemp("empty")
    AlembicMigrator().upgrade(sqlite_url(folder))
    return folder / "jackfield.db"


FreshDatabase = Callable[[Path], str]


@pytest.fixture
def fresh_database(empty_database: Path) -> FreshDatabase:
    """`fresh_database(folder)` is the address of an up-to-date database there, which keeps what it has."""

    def fresh(folder: Path) -> str:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / empty_database.name).exists():
            shutil.copy(empty_database, folder)
        return sqlite_url(folder)

    return fresh


LibraryWorkbench = Callable[..., AbstractAsyncContextManager[Workbench]]


@pytest.fixture
def library_workbench(tmp_path: Path, fresh_database: FreshDatabase) -> LibraryWorkbench:
    """`async with library_workbench(**settings) as workbench`: its state in SQLite, beside which files can be kept.

    What is there by name or by words is found; no model is installed to find it by meaning.
    """

    @asynccontextmanager
    async def opened(
        make_engine: Callable[[], ScriptedEngine] = ScriptedEngine,
        *,
        plugins: tuple[tuple[str, object], ...] = (),
        **settings: Any,
    ) -> AsyncIterator[Workbench]:
        from jackfield_storage import plugin as storage
        from jackfield_storage.state_store import SqlStateStoreFactory

        folder = tmp_path / "home"
        store = await SqlStateStoreFactory().open(fresh_database(folder))
        with_storage = (("storage", storage), *plugins)
        chosen = {"default_model": MODEL, **settings}
        async with temporary_workbench(folder, make_engine, plugins=with_storage, store=store, **chosen) as workbench:
            yield workbench

    return opened
