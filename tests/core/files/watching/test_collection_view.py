"""What a watch knows of a collection in which much happens at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from jackfield.contracts.files import Actor, FileVersion, StoredFile, Written
from jackfield.files.open_collection import OpenCollection
from jackfield.files.watching.collection_view import AT_ONCE, CollectionView

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


class Busy:
    """A collection of which only the changes are told."""

    def __init__(self) -> None:
        self.versions: list[FileVersion] = []

    def write(self, path: str) -> Written:
        at = BEGAN + timedelta(milliseconds=len(self.versions))
        common: dict[str, Any] = {"path": path, "digest": path, "size": 1, "author": Actor()}
        version = FileVersion(file_id=path, number=1, action="written", written_at=at, **common)
        self.versions.append(version)
        file = StoredFile(id=path, collection="main", version=1, created_at=at, modified_at=at, **common)
        return Written(file=file, version=version)

    async def changes(self, *, since: datetime | None = None, limit: int) -> tuple[FileVersion, ...]:
        newest = [one for one in reversed(self.versions) if since is None or one.written_at >= since]
        return tuple(newest[:limit])

    async def every(self, *, under: str = "") -> tuple[StoredFile, ...]:
        return ()


@pytest.mark.parametrize("others", [1, 5 * AT_ONCE])
async def test_a_change_is_seen_however_many_of_our_own_come_behind_it(others: int) -> None:
    busy = Busy()
    view = CollectionView(cast("OpenCollection", busy), "")
    await view.load()
    for number in range(others):
        busy.write(f"theirs/{number}")
    for number in range(2 * AT_ONCE):
        view.take(busy.write(f"ours/{number}"))
    assert await view.has_news()
    await view.refresh()
    assert len(view.files) == others + 2 * AT_ONCE
    assert not await view.has_news()
