"""Disks that are full: a sentence that says so, nothing half, and everything that was there still is."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from sqlalchemy import Pool, event

from jackfield.contracts.files import FileVersion
from jackfield.errors import DiskFull, StateUnavailable
from jackfield.files.open_collection import OpenCollection
from jackfield.testing.file_library import all_bytes, opened_library, pieces
from jackfield.testing.file_workloads import write_beyond_a_limit

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BEFORE = b"what was there before\n"


async def test_bytes_that_do_not_fit_leave_the_version_before(
    processes: ForkServerContext, home: Path, database_url: str
) -> None:
    async with opened_library(home, database_url=database_url) as library:
        await (await library.opened(level="write")).write("a.md", pieces(BEFORE))
    ours, theirs = processes.Pipe()
    process = processes.Process(target=write_beyond_a_limit, args=(home, database_url, 8 << 20, theirs))
    process.start()
    theirs.close()
    assert ours.poll(60)
    code, message = ours.recv()
    process.join(60)
    assert code == DiskFull.code
    assert "too full" in message
    await check_only_what_was_before(home, database_url)


async def check_only_what_was_before(home: Path, database_url: str) -> None:
    async with opened_library(home, database_url=database_url) as library:
        opened = await library.opened(level="write")
        assert [one.number for one in await opened.history("a.md")] == [1]
        assert await all_bytes(opened, "a.md") == BEFORE
        (collection,) = await library.collections()
        assert collection.used_bytes == len(BEFORE)
        assert (await library.verify(deep=True)).faults == ()
    assert list((home / "blobs" / "incoming").iterdir()) == []


@contextmanager
def sqlite_of(pages: int) -> Iterator[None]:
    """Every SQLite database that is connected to meanwhile may grow to so many pages, and is then full."""

    def limit(connection: object, entry: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        cursor.close()

    event.listen(Pool, "connect", limit)
    try:
        yield
    finally:
        event.remove(Pool, "connect", limit)


async def fill_database(opened: OpenCollection, written: list[FileVersion]) -> None:
    chance = random.Random(2)
    while len(written) < 5000:
        words = " ".join(f"{chance.getrandbits(60):x}" for _ in range(100))
        done = await opened.write(f"{len(written) % 7}.md", pieces(words.encode()))
        written.append(done.version)


async def test_a_database_that_is_full_keeps_every_version_that_was_acknowledged(home: Path) -> None:
    async with opened_library(home) as library:
        await (await library.opened(level="write")).write("a.md", pieces(BEFORE))
    pages = (home / "jackfield.db").stat().st_size // 4096 + 60
    written: list[FileVersion] = []
    with sqlite_of(pages):
        async with opened_library(home) as library:
            opened = await library.opened(level="write")
            with pytest.raises(DiskFull, match=r"jackfield\.db is full"):
                await fill_database(opened, written)
            assert written
            assert await all_bytes(opened, "a.md") == BEFORE
    async with opened_library(home) as library:
        opened = await library.opened(level="write")
        for version in written[-7:]:
            assert (await opened.look(version.path)).digest == version.digest
        histories = [await opened.history(file.path) for file in await opened.every()]
        assert sum(map(len, histories)) == len(written) + 1
        assert (await library.verify(deep=True)).faults == ()
        assert (await library.run_index()).done


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of eight megabytes, where the system lets us have one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    if not mount or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    mounted = subprocess.run([mount, "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


async def fill_disk(opened: OpenCollection, texts: dict[str, bytes]) -> None:
    chance = random.Random(3)
    while len(texts) < 1000:
        path, text = f"{len(texts)}.bin", chance.randbytes(100_000)
        await opened.write(path, pieces(text))
        texts[path] = text


async def test_a_disk_that_is_full_for_everything(small_disk: Path) -> None:
    home, ballast = small_disk / "home", small_disk / "ballast"
    ballast.write_bytes(bytes(1 << 20))
    texts: dict[str, bytes] = {}
    async with opened_library(home) as library:
        opened = await library.opened(level="write")
        with pytest.raises(StateUnavailable, match="full"):
            await fill_disk(opened, texts)
        with pytest.raises(StateUnavailable, match="full"):
            await opened.write("more.bin", pieces(random.Random(4).randbytes(3_000_000)))
        for path, text in texts.items():
            assert await all_bytes(opened, path) == text
        ballast.unlink()
        await opened.write("again.md", pieces(b"there is room again"))
        assert (await library.verify(deep=True)).faults == ()
    assert list((home / "blobs" / "incoming").iterdir()) == []
