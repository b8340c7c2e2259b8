"""A file store of the bench's own: a fresh database and data folder, filled and searched as every door does it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from jackfield.contracts.files import Actor, Embedder, Extracted, FileStore, FileStoreParts
from jackfield.plugin_host import PluginHost
from jackfield.settings import Settings
from jackfield.wiring import open_store, opened_blobs
from jackfield_storage.addresses import blocking_url, is_sqlite
from jackfield_storage.bench.corpus import BenchFile
from jackfield_storage.chunking.passages import passages_of
from jackfield_storage.engine import Database
from jackfield_storage.semantic_files.store import SqlFileStores
from jackfield_storage.semantic_index.preparing import embedded_text
from jackfield_storage.state_store import SqlStateStore

COLLECTION = "bench"
ACTOR = Actor(id="bench", name="bench")


class StoreUnderTest:
    """The store with what stands behind it, for figures of its size."""

    def __init__(self, store: FileStore, database: Database, folder: Path) -> None:
        self.store = store
        self.database = database
        self.folder = folder

    async def write(self, path: str, content: bytes) -> None:
        """Create or overwrite a file."""
        await self.store.files.write(COLLECTION, path, pieces(content), actor=ACTOR)


@asynccontextmanager
async def store_under_test(
    name: str, work: Path, url: str, embedder: Embedder, settings: Settings, plugins: PluginHost
) -> AsyncIterator[StoreUnderTest]:
    """An empty store, gone afterwards: a SQLite file below `work`, or a database of its own on a server."""
    folder = work / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with _fresh_database(url, name) as fresh:
            own = settings.model_copy(update={"home": folder, "database_url": fresh})
            async with open_store(own, plugins) as state:
                assert isinstance(state, SqlStateStore)
                store = SqlFileStores().open(state, _parts(own, plugins, embedder))
                try:
                    await store.collections.add(COLLECTION)
                    yield StoreUnderTest(store, state.database, folder)
                finally:
                    await store.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def passages_in(file: BenchFile) -> list[tuple[str, str]]:
    """Each passage of a generated file as it stands there, and as it is embedded."""
    markdown = file.path.endswith(".md")
    extracted = Extracted(text=file.content.decode(), kind="markdown" if markdown else "text", own=True)
    return [(cut.text, embedded_text(cut.heading, cut.text)) for cut in passages_of(extracted)]


async def pieces(content: bytes) -> AsyncGenerator[bytes]:
    """Bytes as a door gives them."""
    yield content


def _parts(settings: Settings, plugins: PluginHost, embedder: Embedder) -> FileStoreParts:
    return FileStoreParts(
        blobs=opened_blobs(settings, plugins),
        embedder=embedder,
        extractors=[extractor for _, extractor in plugins.registry.extractors.items()],
        vector_indexes=plugins.registry.vector_indexes.first(),
        largest=settings.files.largest_mb << 20,
        largest_indexed=settings.files.largest_indexed_mb << 20,
    )


@contextmanager
def _fresh_database(url: str, name: str) -> Iterator[str]:
    """The address of an empty database; an empty address is a SQLite file in the data folder."""
    if not url or is_sqlite(make_url(url)):
        yield ""
        return
    own = f"jackfield_bench_{name}".replace("-", "_")
    server = create_engine(blocking_url(url), isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {own}"))
            connection.execute(text(f"CREATE DATABASE {own}"))
        yield make_url(url).set(database=own).render_as_string(hide_password=False)
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {own} WITH (FORCE)"))
    finally:
        server.dispose()
