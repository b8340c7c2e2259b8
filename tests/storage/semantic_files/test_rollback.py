"""Rollback is flat: it does the same work however many versions there are, and however far it goes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from jackfield.contracts.files import FileStore, Found, Point, Query
from jackfield.testing.contract_suites.file_store_fixtures import ANN, HOME, got, put


@contextmanager
def executed() -> Iterator[list[str]]:
    """The statements that are executed meanwhile."""
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_the_same_statements_for_any_number_of_versions(store: FileStore) -> None:
    seen: list[list[str]] = []
    for version in range(1, 41):
        number = (await put(store, "a.txt", f"word{version} is the content")).version.number
        if version in {5, 10, 40}:
            for back in (2, number - 1):
                old = (await got(store, "a.txt", back)).decode()
                with executed() as statements:
                    rolled = await store.files.rollback(HOME, "a.txt", Point(number=back), actor=ANN)
                seen.append(statements)
                assert rolled.version.restored_from == back
                assert [one.text for one in await found(store, old.split()[0])] == [old]
                assert await found(store, f"word{version}") == ()
    assert len(seen) == 6
    assert all(statements == seen[0] for statements in seen)


async def found(store: FileStore, word: str) -> tuple[Found, ...]:
    """What a search finds at once."""
    return (await store.index.search(Query(text=word, collections=(HOME,), mode="keyword"))).found
