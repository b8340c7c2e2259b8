"""Watching a folder as it runs: changes are noticed on either side, and it ends as it should."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from jackfield.errors import FolderGone
from jackfield.files.watching.batch import Batch, Change
from jackfield.files.watching.keeping import Keeping, in_step_once
from jackfield.testing.watched_folder import Watched

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

NOTICED_WITHIN = 60.0


class Running:
    """A watch that runs; its changes can be waited for."""

    def __init__(self) -> None:
        self.rounds: asyncio.Queue[Batch] = asyncio.Queue()
        self.remarks: list[str] = []
        self.task: asyncio.Task[None]

    async def until(self, wanted: Callable[[Change], bool]) -> Change:
        """The first change that is wanted."""
        async with asyncio.timeout(NOTICED_WITHIN):
            while True:
                batch = await self.rounds.get()
                if found := next(filter(wanted, batch.changes), None):
                    return found

    async def begun(self) -> None:
        async with asyncio.timeout(NOTICED_WITHIN):
            await self.rounds.get()


@asynccontextmanager
async def running(watched: Watched, *, both_ways: bool = False) -> AsyncIterator[Running]:
    run = Running()
    watch = await watched.watch(both_ways=both_ways, quiet=0.05)
    keeping = Keeping(watch, report=run.rounds.put_nowait, remark=run.remarks.append, poll=0.05)
    run.task = asyncio.create_task(keeping.run())
    try:
        yield run
    finally:
        run.task.cancel()
        await asyncio.gather(run.task, return_exceptions=True)


async def test_a_change_in_the_folder_is_noticed(watched: Watched) -> None:
    async with running(watched) as run:
        await run.begun()
        (watched.folder / "sub").mkdir()
        (watched.folder / "sub/a.md").write_text("one")
        change = await run.until(lambda change: change.path == "sub/a.md")
        assert (change.done, change.side) == ("added", "collection")
        (watched.folder / "sub/a.md").rename(watched.folder / "b.md")
        assert (await run.until(lambda change: change.to == "b.md")).done == "renamed"
    assert await watched.kept() == {"b.md": "one"}


async def test_a_change_of_the_collection_is_noticed(watched: Watched) -> None:
    async with running(watched, both_ways=True) as run:
        await run.begun()
        await watched.add("a.md", "one")
        change = await run.until(lambda change: change.path == "a.md")
        assert (change.done, change.side) == ("added", "folder")
    assert watched.local() == {"a.md": "one"}


async def test_a_folder_that_disappears_ends_it(watched: Watched) -> None:
    watched.put("a.md", "one")
    async with running(watched) as run:
        await run.begun()
        shutil.rmtree(watched.folder)
        with pytest.raises(FolderGone, match="nothing was deleted"):
            await asyncio.wait_for(run.task, NOTICED_WITHIN)
    assert await watched.kept() == {"a.md": "one"}


async def test_cancelling_it_leaves_nothing_running(watched: Watched) -> None:
    async with running(watched, both_ways=True) as run:
        await run.begun()
        before = asyncio.all_tasks()
    after = asyncio.all_tasks()
    assert run.task in before
    assert after == {asyncio.current_task()}


async def test_once_waits_for_files_that_are_being_written(watched: Watched) -> None:
    (watched.folder / "a.md").write_text("one")
    batch = await in_step_once(await watched.watch(quiet=0.2))
    assert (batch.waiting, await watched.kept()) == ((), {"a.md": "one"})


async def test_and_not_for_ever(watched: Watched) -> None:
    (watched.folder / "a.md").write_text("one")
    batch = await in_step_once(await watched.watch(quiet=3600.0), patience=0)
    assert (batch.waiting, await watched.kept()) == (("a.md",), {})
