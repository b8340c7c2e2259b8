"""What of memories stays in the database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from jackfield.testing.contract_suites.memory import a_unit
from jackfield.testing.word_embedder import WordEmbedder, word_vectors
from jackfield_storage.engine import Database
from jackfield_storage.memory.recalling import VectorCache
from jackfield_storage.memory.store import SqlMemories
from jackfield_storage.state_store import SqlStateStoreFactory

TABLES = ("memories", "memory_versions", "memory_vectors")


async def test_what_expired_leaves_nothing_behind(database: Path) -> None:
    state = await SqlStateStoreFactory().open(f"sqlite:///{database}")
    memory = SqlMemories().open(state, WordEmbedder())
    past = datetime.now(UTC) - timedelta(seconds=1)
    await memory.remember(replace(a_unit("The review is tomorrow"), expires_at=past))
    await memory.remember(a_unit("I like tea"))
    await state.close()
    with closing(sqlite3.connect(database)) as kept:
        assert [kept.execute(f"SELECT count(*) FROM {table}").fetchone() for table in TABLES] == [(1,), (1,), (1,)]


async def test_vectors_that_are_not_kept_in_memory_are_read_again(database: Path) -> None:
    url, embedder = f"sqlite:///{database}", WordEmbedder()
    state = await SqlStateStoreFactory().open(url)
    memory = SqlMemories().open(state, embedder)
    units = [await memory.remember(a_unit(f"number {number}")) for number in range(6)]
    await state.close()
    kept = Database(url)
    try:
        cache = VectorCache(kept, most=3)
        for some in (units[:2], units[2:4], units, units[1:3]):
            found = await cache.vectors("words", some, WordEmbedder(None))
            assert list(found) == [unit.id for unit in some]
            assert np.allclose(list(found.values()), word_vectors([unit.text for unit in some]), atol=1e-3)
    finally:
        await kept.close()
