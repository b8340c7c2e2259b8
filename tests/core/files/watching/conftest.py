"""A folder that is watched, and the collection it is kept in step with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from jackfield.testing.file_library import opened_library
from jackfield.testing.watched_folder import Watched


@pytest.fixture
async def watched(tmp_path: Path, fresh_database: Callable[[Path], str]) -> AsyncIterator[Watched]:
    """An empty folder and an empty collection."""
    folder = tmp_path / "folder"
    folder.mkdir()
    fresh_database(tmp_path / "home")
    async with opened_library(tmp_path / "home") as library:
        yield Watched(folder, library, await library.opened(level="manage"))
