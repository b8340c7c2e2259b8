"""Every registered blob store keeps the contract's promises; the files of ours are where they say."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from jackfield.contracts.uploads import BlobStore
from jackfield.plugin_host import PluginHost
from jackfield.testing.contract_suites.uploads import ABC, PLENTY, BlobStoreContract, pieces, whole
from jackfield.testing.memory_blobs import InMemoryBlobs
from jackfield_storage.blobs import FileBlobs

REGISTRY = PluginHost().load().registry


@pytest.mark.parametrize("name", REGISTRY.blob_stores.names())
class TestRegisteredBlobStores(BlobStoreContract):
    """The suite, over all of them."""

    @pytest.fixture
    def blobs(self, name: str, tmp_path: Path) -> BlobStore:
        """In a folder that is not there yet."""
        return REGISTRY.blob_stores.get(name).open(tmp_path / "home" / "blobs")


class TestInMemoryBlobs(BlobStoreContract):
    """The suite, over the store that other tests run on."""

    @pytest.fixture
    def blobs(self) -> BlobStore:
        """An empty one."""
        return InMemoryBlobs()


def files_under(folder: Path) -> list[str]:
    """Every file, by its path there."""
    return sorted(f"{path.relative_to(folder)}" for path in folder.rglob("*") if path.is_file())


async def test_only_whole_files_are_left_in_the_folder(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)

    async def endless() -> AsyncGenerator[bytes]:
        yield b"x" * (2 << 20)
        await asyncio.Event().wait()

    task = asyncio.create_task(blobs.put(endless(), most=PLENTY))
    while not files_under(tmp_path):
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert files_under(tmp_path) == []
    await blobs.put(pieces(b"abc"), most=3)
    assert files_under(tmp_path) == [f"{ABC[:2]}/{ABC}"]


async def test_processes_that_begin_at_once_are_not_in_each_others_way(tmp_path: Path) -> None:
    for number in range(4):
        stores = [FileBlobs(tmp_path / str(number)) for _ in range(64)]
        await asyncio.gather(*(one.put(pieces(f"{name}".encode()), most=9) for name, one in enumerate(stores)))
        assert len(files_under(tmp_path / str(number))) == len(stores)


async def test_what_a_dead_process_left_is_swept_a_day_later(tmp_path: Path) -> None:
    (tmp_path / "incoming").mkdir()
    for name, age in (("old", 2), ("young", 0)):
        left = tmp_path / "incoming" / name
        left.touch()
        os.utime(left, (time.time() - age * 86400,) * 2)
    blobs = FileBlobs(tmp_path)
    await blobs.put(pieces(b"abc"), most=3)
    assert files_under(tmp_path) == [f"{ABC[:2]}/{ABC}", "incoming/young"]
    assert await whole(blobs.read(ABC)) == b"abc"
