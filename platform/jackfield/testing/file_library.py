"""Semantic files in a folder, as every installation keeps them, but found by shared words instead of a model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from jackfield.contracts.files import Embedder, Point
from jackfield.files.library import Library
from jackfield.files.open_collection import OpenCollection
from jackfield.files.semantic_stores import SemanticStores
from jackfield.identity.local_mode import LOCAL
from jackfield.plugin_host import PluginHost
from jackfield.settings import load_settings
from jackfield.testing.word_embedder import WordEmbedder
from jackfield.wiring import open_store, opened_blobs


@asynccontextmanager
async def opened_library(
    home: Path,
    *,
    database_url: str = "",
    embedder: Embedder | None = None,
    plugins: PluginHost | None = None,
    **settings: Any,
) -> AsyncIterator[Library]:
    """The library of whoever is at this machine, on the real stores; any number may be open on one home."""
    chosen = load_settings(home=home, database_url=database_url, **settings)
    plugins = plugins or PluginHost().load()
    async with open_store(chosen, plugins) as state:
        semantic = SemanticStores(
            plugins.registry,
            state,
            blobs=partial(opened_blobs, chosen, plugins),
            embedder=embedder or WordEmbedder(),
            settings=chosen.files,
        )
        try:
            yield Library(semantic.files, LOCAL, chosen.files)
        finally:
            await semantic.close()


async def pieces(data: bytes, size: int = 1 << 16) -> AsyncIterator[bytes]:
    """Bytes as they arrive."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def all_bytes(opened: OpenCollection, path: str, version: int | None = None) -> bytes:
    """What a version holds, the newest unless one is named."""
    read = await opened.read(path, Point(number=version))
    async with aclosing(read.pieces) as held:
        return b"".join([piece async for piece in held])
