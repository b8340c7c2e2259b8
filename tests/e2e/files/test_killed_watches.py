"""A process that keeps a folder in step and is killed: no text is lost on either side, and both come in step again."""

from __future__ import annotations

import os
import random
import sys
import time
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from blake3 import blake3

from jackfield.testing.file_library import opened_library
from jackfield.testing.file_workloads import watch_until_killed
from jackfield.testing.watched_folder import Watched

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KILLS = int(os.environ.get("JACKFIELD_TEST_KILLS", "50")) // 2
SEED = int(os.environ.get("JACKFIELD_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)


class Sides:
    """Changes on both sides, as people and editors make them."""

    def __init__(self, watched: Watched, chance: random.Random) -> None:
        self._watched = watched
        self._chance = chance

    def change_folder(self, times: int) -> None:
        for _ in range(times):
            paths = sorted(self._watched.local())
            path = self._chance.choice(paths) if paths else "first.md"
            doing = self._chance.randrange(4)
            if doing == 0 and paths:
                (self._watched.folder / path).unlink()
            elif doing == 1 and paths:
                new = self._watched.folder / f"moved-{self._chance.randrange(10**6)}.md"
                (self._watched.folder / path).rename(new)
            else:
                self._watched.put(path if doing == 2 else f"{self._chance.randrange(10**6)}.md", self._text())

    async def change_collection(self, times: int) -> None:
        for _ in range(times):
            files = await self._watched.opened.page()
            doing = self._chance.randrange(4)
            if files and doing < 2:
                path = self._chance.choice(files).path
                if doing:
                    await self._watched.opened.rename(path, f"there/{self._chance.randrange(10**6)}.md")
                else:
                    await self._watched.opened.delete(path)
            else:
                path = (
                    self._chance.choice(files).path if files and doing == 2 else f"{self._chance.randrange(10**6)}.md"
                )
                await self._watched.add(path, self._text())

    def _text(self) -> str:
        return f"text {self._chance.getrandbits(60):x} " * self._chance.choice((1, 1, 4_000))


async def every_digest(watched: Watched) -> set[str]:
    """Of whatever is in the folder, or in any version of any file, deleted ones too."""
    local = {blake3(text.encode()).hexdigest() for text in watched.local().values()}
    return local | {version.digest for version in await watched.opened.changes(limit=1_000_000)}


async def watch_and_kill(
    processes: ForkServerContext, watched: Watched, home: Path, database_url: str, chance: random.Random
) -> None:
    ours, theirs = processes.Pipe()
    process = processes.Process(target=watch_until_killed, args=(home, database_url, watched.folder, theirs))
    process.start()
    theirs.close()
    try:
        assert ours.poll(60)
        ours.recv()
        time.sleep(chance.uniform(0, 0.2))
    finally:
        process.kill()
        process.join()
        ours.close()


async def test_no_text_is_lost_and_both_sides_come_in_step(
    processes: ForkServerContext, home: Path, tmp_path: Path, database_url: str
) -> None:
    sys.stdout.write(f"\nseed {SEED}, {KILLS} kills\n")
    chance = random.Random(SEED)
    folder = tmp_path / "folder"
    folder.mkdir()
    async with opened_library(home, database_url=database_url) as library:
        watched = Watched(folder, library, await library.opened(level="manage"))
        sides = Sides(watched, chance)
        for number in range(KILLS):
            sides.change_folder(6)
            await sides.change_collection(3)
            before = await every_digest(watched)
            await watch_and_kill(processes, watched, home, database_url, chance)
            assert await every_digest(watched) >= before, f"after kill {number + 1}"
            sides.change_folder(1)
            before = await every_digest(watched)
            await watched.reconcile(both_ways=True, allow_mass_delete=True)
            assert watched.local() == await watched.kept()
            assert (await watched.reconcile(both_ways=True)).changes == ()
            assert await every_digest(watched) >= before
            faults = (await library.verify(deep=True)).faults
            assert [one for one in faults if one.kind != "blob_orphaned"] == []
