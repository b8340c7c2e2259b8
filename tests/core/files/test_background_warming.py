"""What a first search would wait for is read when a collection is opened, once, and only in processes that stay."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from jackfield.contracts.files import Index
from jackfield.errors import CollectionNotFound, NothingRegistered, Unavailable
from jackfield.files.background_warming import BackgroundWarming
from jackfield.files.library import Library
from jackfield.identity.local_mode import LOCAL


class NotedIndex:
    """Notes what is warmed; fails for the collection `bad`."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.warmed: list[str] = []
        self.all_warmed = asyncio.Event()
        self._failure = failure

    async def warm(self, collection: str) -> None:
        """Fail, or take note of it."""
        if collection == "bad" and self._failure:
            raise self._failure
        self.warmed.append(collection)
        if collection == "last":
            self.all_warmed.set()


def warming_of(index: NotedIndex) -> BackgroundWarming:
    return BackgroundWarming(lambda: cast("Index", index))


async def test_each_collection_is_warmed_once() -> None:
    index = NotedIndex()
    warming = warming_of(index)
    async with warming.kept():
        for name in ("a", "b", "a", "last"):
            warming.opened(name)
        await index.all_warmed.wait()
    assert index.warmed == ["a", "b", "last"]


@pytest.mark.parametrize(
    "failure", [CollectionNotFound("None."), NothingRegistered("None."), Unavailable("No model."), ZeroDivisionError()]
)
async def test_a_failure_ends_nothing(failure: Exception) -> None:
    index = NotedIndex(failure)
    warming = warming_of(index)
    async with warming.kept():
        warming.opened("bad")
        warming.opened("last")
        await index.all_warmed.wait()
    assert index.warmed == ["last"]


async def test_nothing_is_warmed_where_nobody_keeps_it() -> None:
    index = NotedIndex()
    warming = warming_of(index)
    warming.opened("before")
    async with warming.kept():
        warming.opened("last")
        await index.all_warmed.wait()
    warming.opened("after")
    assert index.warmed == ["last"]


async def test_a_library_tells_which_collections_are_opened(library_workbench: Any) -> None:
    async with library_workbench() as workbench:
        opened: list[str] = []
        library = Library(workbench.semantic.files, LOCAL, workbench.settings.files, on_opened=opened.append)
        await library.opened()
        with pytest.raises(CollectionNotFound):
            await library.opened("nowhere")
        assert opened == [library.default]
