"""How the parts fit together: settings, plugins, stores, models, executor, workbench. The only place that knows."""

from __future__ import annotations

import asyncio
import errno
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import msgspec
import structlog

from jackfield.contracts.engine import EngineSettings
from jackfield.contracts.models import InstalledModel
from jackfield.contracts.records import Archivist, Migrator, StateStore
from jackfield.contracts.uploads import BlobStore
from jackfield.decoding.saved_prefixes import PrefixLimits, SavedPrefixes
from jackfield.errors import DiskFull, NothingRegistered, StateUnavailable
from jackfield.files.embedder import ModelEmbedder
from jackfield.files.libraries import Libraries
from jackfield.files.semantic_stores import SemanticStores
from jackfield.identity.abandoned import abandoned_given_back
from jackfield.identity.budgets import Bookkeeping
from jackfield.identity.desk import opened_identity
from jackfield.identity.prices import Prices
from jackfield.identity.rates import LocalWindows, RateWindows
from jackfield.memory.taker import MemoryTaker
from jackfield.models.catalog import ModelCatalog
from jackfield.models.residency import ModelResidency
from jackfield.plugin_host import LOAD_VARIABLE, PluginHost, PluginReport, disabled_by_variable
from jackfield.runs.admission import Admission
from jackfield.runs.crash_recovery import orphans_ended
from jackfield.runs.equipment import Equipment, ToolDefaults
from jackfield.runs.file_sources import FileSources
from jackfield.runs.lifecycle import RunLifecycle
from jackfield.runs.memory_sources import MemorySources
from jackfield.runs.recall import Recall
from jackfield.settings import Settings
from jackfield.tools.catalog import ToolCatalog
from jackfield.tools.runner import CallRunner
from jackfield.workbench import Workbench

if TYPE_CHECKING:
    from jackfield.jobs.node import WorkerNode
    from jackfield.models.tuning.tuner import ModelTuner

log = structlog.get_logger()

INLINE = "inline"


class _Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What runs need, wherever they execute."""

    store: StateStore
    catalog: ModelCatalog
    residency: ModelResidency
    equipment: Equipment
    books: Bookkeeping
    rates: RateWindows
    lifecycle: RunLifecycle
    embedder: ModelEmbedder
    semantic: SemanticStores
    libraries: Libraries


@asynccontextmanager
async def open_workbench(settings: Settings, plugins: PluginHost) -> AsyncIterator[Workbench]:
    """Everything, up to date and ready; closed in the reverse order. Raises StateUnavailable or PluginError."""
    make_executor = plugins.registry.executors.get(settings.runs.executor)
    executes_here = settings.runs.executor == INLINE
    async with _open_parts(settings, plugins, ends_orphans=executes_here) as parts, AsyncExitStack() as closing:
        executor = make_executor(parts.lifecycle, parts.store, settings)
        closing.push_async_callback(executor.close)
        parts.embedder.embeds_through(executor.embed)
        taker = MemoryTaker(lambda: parts.semantic.memory, keep_days=settings.memory.keep_days)
        closing.push_async_callback(taker.close)
        yield Workbench(
            settings=settings,
            plugins=plugins,
            store=parts.store,
            catalog=parts.catalog,
            residency=parts.residency,
            equipment=parts.equipment,
            executor=executor,
            books=parts.books,
            admission=Admission(parts.books, parts.rates),
            semantic=parts.semantic,
            libraries=parts.libraries,
            taker=taker,
            identity=await opened_identity(parts.store, settings),
        )


@asynccontextmanager
async def open_worker(settings: Settings, plugins: PluginHost) -> AsyncIterator[WorkerNode]:
    """A worker that executes runs for others; raises StateUnavailable, PluginError or SettingsInvalid."""
    from jackfield.jobs.node import WorkerNode

    async with (
        _open_parts(settings, plugins, ends_orphans=False) as parts,
        WorkerNode(parts.lifecycle, parts.catalog, parts.store, settings) as node,
    ):
        yield node


@asynccontextmanager
async def _open_parts(settings: Settings, plugins: PluginHost, *, ends_orphans: bool) -> AsyncIterator[_Parts]:
    shared = not ends_orphans or not settings.state_url.startswith(("sqlite", "memory"))
    spent = Prices(settings.models.prices).spending
    async with open_store(settings, plugins) as store, orphans_ended(settings.home, store.runs, spent, shared=shared):
        await _prune(store, settings.runs.keep_days)
        catalog = _catalog(settings, plugins, store)
        await asyncio.to_thread(_drop_orphaned_prefixes, settings, await catalog.all())
        async with AsyncExitStack() as closing:
            await closing.enter_async_context(abandoned_given_back(store.budgets))
            residency = ModelResidency(
                plugins.registry.engines,
                settings=EngineSettings(**settings.engine.model_dump()),
                saved_prefixes=partial(_saved_prefixes, settings),
                lookahead=settings.lookahead.enabled,
                draft_model=partial(_draft_model, settings, catalog),
                queue_limit=settings.runs.queue_limit,
                load_timeout=settings.models.load_timeout,
                memory=settings.jobs.memory_mb << 20,
            )
            embedder = ModelEmbedder(settings.files.embedding_model, catalog, residency.embed)
            semantic = SemanticStores(
                plugins.registry,
                store,
                blobs=partial(opened_blobs, settings, plugins),
                embedder=embedder,
                settings=settings.files,
            )
            libraries = Libraries(semantic, store.identity, settings.files)
            equipment = _equipment(settings, plugins, libraries)
            books = Bookkeeping(store.budgets, settings.models.prices, settings.identity.answer_tokens)
            rates = _rate_windows(settings)
            recall = Recall([FileSources(libraries), MemorySources(lambda: semantic.memory, settings.memory.recalled)])
            for part in (rates, residency, semantic, equipment):
                closing.push_async_callback(part.close)
            yield _Parts(
                store=store,
                catalog=catalog,
                residency=residency,
                equipment=equipment,
                books=books,
                rates=rates,
                lifecycle=RunLifecycle(catalog, residency, equipment, books, rates, recall),
                embedder=embedder,
                semantic=semantic,
                libraries=libraries,
            )


@asynccontextmanager
async def open_catalog(settings: Settings, plugins: PluginHost) -> AsyncIterator[ModelCatalog]:
    """Only the installed models, for commands that run none."""
    async with open_store(settings, plugins) as store:
        yield _catalog(settings, plugins, store)


@asynccontextmanager
async def open_tuner(settings: Settings, plugins: PluginHost) -> AsyncIterator[tuple[ModelCatalog, ModelTuner]]:
    """The installed models, and what measures their formats on the engines as they are set up."""
    from jackfield.models.tuning.tuner import ModelTuner

    async with open_catalog(settings, plugins) as catalog:
        options = EngineSettings(**settings.engine.model_dump())
        yield catalog, ModelTuner(catalog, plugins.registry.engines, options)


@asynccontextmanager
async def open_store(settings: Settings, plugins: PluginHost) -> AsyncIterator[StateStore]:
    """The state store, its tables brought up to date first."""
    await asyncio.to_thread(make_folder, settings.home)
    await asyncio.to_thread(upgrade_state, settings, plugins)
    url = settings.state_url
    for _, factory in plugins.registry.state_stores.items():
        if factory.claims(url):
            store = await factory.open(url)
            break
    else:
        raise NothingRegistered(_unclaimed("state store", url, plugins))
    try:
        yield store
    finally:
        await store.close()


def upgrade_state(settings: Settings, plugins: PluginHost) -> tuple[str, ...]:
    """Bring the database's tables up to date; the names of what was applied. Blocking."""
    return chosen_migrator(settings, plugins).upgrade(settings.state_url)


def chosen_migrator(settings: Settings, plugins: PluginHost) -> Migrator:
    """The first that claims the database's address; raises NothingRegistered."""
    for _, migrator in plugins.registry.migrators.items():
        if migrator.claims(settings.state_url):
            return migrator
    raise NothingRegistered(_unclaimed("migrator", settings.state_url, plugins))


def chosen_archivist(settings: Settings, plugins: PluginHost) -> Archivist:
    """The first that claims the database's address; raises NothingRegistered."""
    for _, archivist in plugins.registry.archivists.items():
        if archivist.claims(settings.state_url):
            return archivist
    raise NothingRegistered(_unclaimed("archivist", settings.state_url, plugins))


def opened_blobs(settings: Settings, plugins: PluginHost) -> BlobStore:
    """Where uploaded bytes are; raises NothingRegistered or MissingDependency."""
    return plugins.registry.blob_stores.first().open(settings.blobs_folder)


def make_folder(folder: Path) -> None:
    """Make the data folder and try to write in it; raises StateUnavailable or DiskFull."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder, buffering=0) as probe:
            probe.write(b"jackfield")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(f"The disk that holds {folder} is full; free some space and try again.") from error
        raise StateUnavailable(
            f"The data folder {folder} cannot be written ({error.strerror}); "
            "make it writable, or name another with JACKFIELD_HOME."
        ) from error


def _catalog(settings: Settings, plugins: PluginHost, store: StateStore) -> ModelCatalog:
    return ModelCatalog(
        records=store.models,
        sources=plugins.registry.model_sources,
        engines=plugins.registry.engines,
        folder=settings.models_folder,
        default_model=settings.default_model,
    )


def _equipment(settings: Settings, plugins: PluginHost, libraries: Libraries) -> Equipment:
    registry = plugins.registry
    return Equipment(
        catalog=ToolCatalog(registry.tools, registry.tool_sources),
        runner=CallRunner(),
        protocols=registry.call_protocols,
        agents=registry.agents,
        guards=registry.guards,
        libraries=libraries,
        defaults=ToolDefaults(
            protocol=settings.tools.protocol,
            mode=settings.tools.mode,
            allowed=settings.tools.allow,
            folder=settings.tools.folder and settings.tools.folder.absolute(),
            prices=settings.models.prices,
        ),
    )


def _saved_prefixes(settings: Settings, model: InstalledModel) -> SavedPrefixes:
    """A model's prefixes, read from its folder. Blocking."""
    limits = PrefixLimits(memory=settings.prefixes.memory_mb << 20, disk=settings.prefixes.disk_mb << 20)
    return SavedPrefixes(settings.prefixes_folder / _prefixes_of(model) if limits.disk else None, limits)


def _prefixes_of(model: InstalledModel) -> str:
    return model.sha256[:32]


def _drop_orphaned_prefixes(settings: Settings, models: Sequence[InstalledModel]) -> None:
    """Delete saved prefixes whose model was removed: they tell what was asked. Blocking."""
    kept = {_prefixes_of(model) for model in models}
    try:
        for folder in settings.prefixes_folder.iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("prefixes of a removed model could not be deleted", reason=str(error))


async def _draft_model(settings: Settings, catalog: ModelCatalog) -> InstalledModel | None:
    return await catalog.get(settings.lookahead.draft_model) if settings.lookahead.draft_model else None


async def _prune(store: StateStore, keep_days: int) -> None:
    now = datetime.now(UTC)
    await store.identity.sessions.prune(before=now)
    if keep_days:
        await store.runs.prune(before=now - timedelta(days=keep_days))


def _rate_windows(settings: Settings) -> RateWindows:
    """Those that all processes share, where there is a Redis to share."""
    if not settings.jobs.redis_url:
        return LocalWindows()
    from jackfield.identity.redis_rates import RedisWindows

    return RedisWindows(settings.jobs.redis_url)


def _unclaimed(kind: str, url: str, plugins: PluginHost) -> str:
    missing = f"No {kind} is registered for {url.partition(':')[0]} databases"
    reports = plugins.reports()
    held_back = [_held_back(report) for report in reports if report.state in ("disabled", "failed")]
    if skipped := [report.name for report in reports if report.state == "skipped"]:
        held_back.append(f"{LOAD_VARIABLE} leaves out {', '.join(skipped)}")
    if held_back:
        return f"{missing}, and not every plugin is loaded: {'; '.join(held_back)}."
    return f"{missing}; name another with JACKFIELD_DATABASE_URL, or install a plugin that brings this one."


def _held_back(report: PluginReport) -> str:
    if report.state == "failed":
        return f"{report.name} failed ({report.error})"
    if by_variable := disabled_by_variable():
        return f"{by_variable[0]} disables {report.name}"
    return f"{report.name} is disabled (`jackfield plugins enable {report.name}` lets it load)"
