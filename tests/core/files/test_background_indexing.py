"""Indexing beside everything else: begun when something waits, once at a time, and gone on with after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from jackfield.contracts.files import Index, IndexProgress
from jackfield.errors import JackfieldError, NothingRegistered, Unavailable
from jackfield.files.background_indexing import BackgroundIndexing
from jackfield.files.library import Library
from jackfield.identity.local_mode import LOCAL
from jackfield.settings import FileSettings

DONE = IndexProgress(contents=0, contents_done=0, passages=0, passages_done=0)


class CountedIndex:
    """Notes how often it runs, and how many do at once; fails where it is told to."""

    def __init__(self, *failures: Exception | None) -> None:
        self.runs = 0
        self.most_at_once = 0
        self.ran = asyncio.Event()
        self._failures = list(failures)
        self._running = 0

    async def run(self, progress: Callable[[IndexProgress], None] | None = None) -> IndexProgress:
        """Let others have a turn, then be done."""
        self._running += 1
        self.most_at_once = max(self.most_at_once, self._running)
        await asyncio.sleep(0)
        self._running -= 1
        self.runs += 1
        self.ran.set()
        if self._failures and (failure := self._failures.pop(0)):
            raise failure
        return DONE


async def run_once_more(indexing: BackgroundIndexing, index: CountedIndex) -> None:
    index.ran.clear()
    indexing.wake()
    await index.ran.wait()


async def test_it_runs_when_it_is_woken_and_once_at_a_time() -> None:
    index = CountedIndex()
    indexing = BackgroundIndexing(lambda: cast("Index", index))
    async with indexing.kept():
        for _ in range(5):
            indexing.wake()
        await index.ran.wait()
        await run_once_more(indexing, index)
    assert index.most_at_once == 1
    assert index.runs == 2


@pytest.mark.parametrize("failure", [Unavailable("No worker."), JackfieldError("Broken."), ZeroDivisionError()])
async def test_a_failure_ends_nothing(failure: Exception) -> None:
    index = CountedIndex(failure)
    indexing = BackgroundIndexing(lambda: cast("Index", index))
    async with indexing.kept():
        await run_once_more(indexing, index)
        await run_once_more(indexing, index)
    assert index.runs == 2


async def test_where_no_files_can_be_kept_it_ends() -> None:
    asked = asyncio.Event()

    def none() -> Index:
        asked.set()
        raise NothingRegistered("No plugin keeps semantic files.")

    indexing = BackgroundIndexing(none)
    async with indexing.kept():
        indexing.wake()
        await asked.wait()


async def test_a_file_that_takes_long_to_read_is_found_once_it_was(library_workbench: Any) -> None:
    """HTML is not read within its write, so it waits for the index."""

    async def page() -> Any:
        yield b"<html><body><p>Green tea is steeped at 80 degrees.</p></body></html>"

    async with library_workbench() as workbench, workbench.libraries.kept():
        library = workbench.library()
        collection = await library.opened(level="write")
        written = await collection.write("tea.html", page())
        assert written.file.index == "pending"
        while (await collection.look("tea.html")).index == "pending":
            await asyncio.sleep(0.01)
        [found] = (await library.search("green tea steeped")).found
        assert found.path == "tea.html"


async def test_whatever_is_written_wakes_indexing_since_a_longer_text_waits_for_its_vectors(
    library_workbench: Any,
) -> None:
    async def piece() -> AsyncIterator[bytes]:
        yield b"One line.\n" * 500

    woken: list[str] = []
    async with library_workbench() as workbench:
        library = Library(workbench.semantic.files, LOCAL, FileSettings(), on_waiting=lambda: woken.append("woken"))
        opened = await library.opened(level="write")
        assert (await opened.write("long.txt", piece())).changed
        assert not (await opened.write("long.txt", piece())).changed
        await opened.append("long.txt", piece())
    assert woken == ["woken"] * 2
