"""What `verify` says of a database that somebody else changed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from jackfield.contracts.files import FileStore
from jackfield.testing.contract_suites.file_store_fixtures import ANN, HOME, put


def tampered(database: Path, *statements: str) -> None:
    """Statements past the store."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
async def filled(store: FileStore) -> FileStore:
    """With files of two versions each."""
    for path in ("a.txt", "b.txt"):
        await put(store, path, "one")
        await put(store, path, "three")
    await put(store, "c.txt", "one")
    await store.files.delete(HOME, "c.txt", actor=ANN)
    assert (await store.verify(deep=True)).faults == ()
    return store


@pytest.mark.parametrize(
    ("statement", "detail"),
    [
        ("DELETE FROM file_versions WHERE number = 1 AND path = 'a.txt'", "1 from 2 to 2"),
        ("DELETE FROM file_versions WHERE number = 2 AND path = 'a.txt'", "1 from 1 to 1"),
        ("DELETE FROM file_versions WHERE path = 'a.txt'", "are none"),
        ("UPDATE files SET version = 3 WHERE path = 'a.txt'", "is at version 3"),
        ("UPDATE files SET size = 4 WHERE path = 'a.txt'", "not what its newest version, 2, says"),
        ("UPDATE file_versions SET path = 'x' WHERE path = 'a.txt' AND number = 2", "not what its newest"),
        ("UPDATE files SET deleted_at = modified_at WHERE path = 'a.txt'", "not what its newest"),
    ],
)
async def test_a_file_that_is_not_as_its_versions_say_is_named(
    filled: FileStore, database: Path, statement: str, detail: str
) -> None:
    tampered(database, statement)
    report = await filled.verify(repair=True)
    (fault,) = [fault for fault in report.faults if fault.kind == "version"]
    assert fault.where == f"{HOME}:a.txt"
    assert detail in fault.detail
    assert not fault.mended
    assert not report.sound


async def test_counts_that_are_wrong_are_put_right(filled: FileStore, database: Path) -> None:
    tampered(database, "UPDATE collections SET used_bytes = 7, files = 9")
    (fault,) = (await filled.verify()).faults
    assert (fault.kind, fault.where, fault.mended) == ("quota", HOME, False)
    assert fault.detail == "It counts 9 files and 7 bytes, and has 2 and 19."
    report = await filled.verify(repair=True)
    assert (report.sound, [fault.mended for fault in report.faults]) == (True, [True])
    assert (await filled.verify()).faults == ()
    home = await filled.collections.get(HOME)
    assert (home.used_bytes, home.files) == (19, 2)
