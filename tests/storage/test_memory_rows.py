"""What of memories stays in the database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from jackfield.testing.contract_suites.memory import a_unit
from jackfield.testing.word_embedder import WordEmbedder
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
