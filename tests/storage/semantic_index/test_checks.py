"""The index against the files: what is damaged is told of and mended, and every cache takes notice."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from jackfield.contracts.files import FileStore
from jackfield.testing.contract_suites.file_search import found_paths
from jackfield.testing.contract_suites.file_store_fixtures import ANN, put

DAMAGES = {
    "passages": "UPDATE passages SET live = live + 1 WHERE text LIKE '%mouse%'",
    "passages that are gone": "UPDATE passages SET live = 0",
    "collections": "DELETE FROM collection_passages",
    "collections that have too many": "UPDATE collection_passages SET uses = 7",
    "contents": "DELETE FROM chunks",
    "contents that are there": "UPDATE contents SET state = 'failed', error = 'No.'",
    "full text of passages": "INSERT INTO passage_words (passage_words) VALUES ('delete-all')",
    "full text of paths": "DELETE FROM file_names",
    "full text of other paths": "UPDATE file_names SET path = 'other.txt'",
}


def damage(database: Path, statement: str) -> None:
    """Change the database behind the store's back."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)


@pytest.mark.parametrize("statement", DAMAGES.values(), ids=DAMAGES)
async def test_whatever_is_damaged_is_told_of_and_mended(store: FileStore, database: Path, statement: str) -> None:
    await put(store, "a.txt", "purple elephant")
    await put(store, "b.txt", "green mouse")
    await put(store, "c.txt", "yellow dog")
    await store.files.delete("main", "c.txt", actor=ANN)
    assert await found_paths(store, "purple elephant") == ["a.txt", "b.txt"]
    assert (await store.verify()).faults == ()
    damage(database, statement)
    report = await store.verify()
    assert (report.sound, {fault.kind for fault in report.faults}) == (False, {"index"})
    mended = await store.verify(repair=True)
    assert (mended.sound, all(fault.mended for fault in mended.faults)) == (True, True)
    await store.index.run()
    assert (await store.verify()).faults == ()
    for mode in ("hybrid", "keyword", "meaning"):
        assert (await found_paths(store, "purple elephant", mode=mode))[0] == "a.txt"
        assert "c.txt" not in await found_paths(store, "yellow dog", mode=mode)
    assert await found_paths(store, "b.txt", mode="keyword") == ["b.txt"]


async def test_vectors_that_are_lost_are_made_again(store: FileStore, database: Path) -> None:
    await put(store, "a.txt", "purple elephant")
    damage(database, "DELETE FROM passage_vectors")
    assert not (await store.index.progress()).done
    assert (await store.index.run()).done
