"""Vectors in memory: whatever happens, a process that looked on finds what a new one does."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield.contracts.files import FileStore, Point, Query, VectorIndex
from jackfield.errors import JackfieldError
from jackfield.testing.contract_suites.file_search import found_paths
from jackfield.testing.contract_suites.file_store_fixtures import ANN, put
from jackfield.testing.contract_suites.uploads import pieces
from jackfield.testing.file_store_parts import ExactVectors

Opens = Callable[..., AbstractAsyncContextManager[FileStore]]


class NotedVectors(ExactVectors):
    """Notes what is taken out."""

    def __init__(self, removed: list[int]) -> None:
        super().__init__()
        self._removed = removed

    def remove(self, identifiers: Sequence[int]) -> None:
        """As without notes."""
        self._removed += identifiers
        super().remove(identifiers)


class NotedVectorIndexes:
    """Implements `jackfield.contracts.files.VectorIndexFactory`."""

    def __init__(self) -> None:
        self.removed: list[int] = []

    def open(self, dimensions: int) -> VectorIndex:
        """An empty one."""
        return NotedVectors(self.removed)


PATHS = st.sampled_from(["a.txt", "b.txt", "c.doc"])
TEXTS = st.sampled_from(
    ["purple elephant", "green mouse", "purple elephant\n\n" + "word " * 200 + "\n\ngreen mouse", ""]
)
STEPS = st.one_of(
    st.tuples(st.just("write"), PATHS, TEXTS),
    st.tuples(st.just("delete"), PATHS),
    st.tuples(st.just("undelete"), PATHS),
    st.tuples(st.just("rollback"), PATHS, st.integers(1, 3)),
    st.tuples(st.just("rename"), PATHS, PATHS),
    st.tuples(st.just("index")),
)


async def take(store: FileStore, home: str, step: tuple[str, ...]) -> None:
    """One step, which may be refused."""
    try:
        match step:
            case "write", path, text:
                await store.files.write(home, path, pieces(text.encode()), actor=ANN)
            case "delete", path:
                await store.files.delete(home, path, actor=ANN)
            case "undelete", path:
                await store.files.undelete(home, path, actor=ANN)
            case "rollback", path, number:
                await store.files.rollback(home, path, Point(number=int(number)), actor=ANN)
            case "rename", path, other:
                await store.files.rename(home, path, other, actor=ANN)
            case _:
                await store.index.run()
    except JackfieldError:
        return


async def similar(store: FileStore, home: str) -> list[tuple[str, int, int, str]]:
    """Everything that is found by meaning."""
    result = await store.index.search(Query(text="purple", collections=(home,), mode="meaning", limit=50))
    return sorted((one.path, one.version, one.start, f"{one.similarity:.3f}") for one in result.found)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=1, max_size=12))
async def test_a_process_that_looks_on_finds_what_a_new_one_does(
    store: FileStore, opens: Opens, steps: list[tuple[str, ...]]
) -> None:
    home = uuid4().hex
    await store.collections.add(home)
    async with opens() as looker:
        await similar(looker, home)
        for step in steps:
            await take(store, home, step)
            seen = await similar(looker, home)
            assert seen == await similar(store, home)
    async with opens() as new:
        assert seen == await similar(new, home)
        assert (await new.verify()).faults == ()


async def test_a_cache_that_is_behind_a_pruned_feed_is_filled_anew(
    store: FileStore, opens: Opens, database: Path
) -> None:
    await put(store, "a.txt", "purple elephant")
    async with opens() as looker:
        assert await found_paths(looker, "purple", mode="meaning") == ["a.txt"]
        await store.files.delete("main", "a.txt", actor=ANN)
        await put(store, "b.txt", "green mouse")
        await put(store, "c.txt", "yellow dog")
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("DELETE FROM index_changes WHERE id < (SELECT max(id) FROM index_changes)")
        assert sorted(await found_paths(looker, "purple", mode="meaning")) == ["b.txt", "c.txt"]


async def test_what_stays_is_never_taken_out_for_a_search_beside_to_miss(store: FileStore, opens: Opens) -> None:
    noted = NotedVectorIndexes()
    async with opens(vector_indexes=noted) as looker:
        for path, text in (("stays.txt", "purple elephant"), ("goes.txt", "green mouse")):
            await put(store, path, text)
        assert len(await found_paths(looker, "purple", mode="meaning")) == 2
        for path in ("stays.txt", "goes.txt"):
            await store.files.delete("main", path, actor=ANN)
        await store.files.undelete("main", "stays.txt", actor=ANN)
        assert await found_paths(looker, "purple", mode="meaning") == ["stays.txt"]
        assert len(set(noted.removed)) == 1
