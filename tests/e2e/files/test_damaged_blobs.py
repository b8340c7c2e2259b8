"""Bytes that are damaged or gone: told by the names of the files that they were, while everything else is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackfield.contracts.files import Point
from jackfield.errors import BlobDamaged
from jackfield.testing.file_library import all_bytes, opened_library, pieces

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def blob(home: Path, digest: str) -> Path:
    return home / "blobs" / digest[:2] / digest


@pytest.mark.parametrize("damage", ["other bytes", "cut short", "gone"])
async def test_a_damaged_file_is_named_and_the_rest_is_served(home: Path, database_url: str, damage: str) -> None:
    async with opened_library(home, database_url=database_url) as library:
        opened = await library.opened(level="write")
        for number in range(5):
            await opened.write(f"{number}.md", pieces(f"# Chapter {number}\n\nIt tells of voyage{number}.\n".encode()))
        older = await opened.write("2.md", pieces(b"# Chapter 2\n\nIt tells of a later voyage2.\n"))
        place = blob(home, older.version.digest)
        data = place.read_bytes()
        if damage == "gone":
            place.unlink()
        else:
            place.write_bytes(data[:-7] if damage == "cut short" else data[:-7] + b"damaged")
        with pytest.raises(BlobDamaged, match=r"2\.md"):
            await all_bytes(opened, "2.md")
        assert (await all_bytes(opened, "2.md", 1)).startswith(b"# Chapter 2")
        for number in (0, 1, 3, 4):
            assert f"voyage{number}".encode() in await all_bytes(opened, f"{number}.md")
        found = await library.search("voyage3", mode="keyword")
        assert [passage.path for passage in found.found] == ["3.md"]
        report = await library.verify(deep=True)
        kind = "blob_missing" if damage == "gone" else "blob_damaged"
        assert {fault.kind for fault in report.faults} == {kind}
        assert all("2.md" in fault.where for fault in report.faults)
        assert not (await library.verify(deep=True, repair=True)).sound, "what is lost cannot be mended, only told"
        await opened.rollback("2.md", Point(number=1))
        assert (await all_bytes(opened, "2.md")).startswith(b"# Chapter 2")
        again = await opened.write("2.md", pieces(data))
        assert await all_bytes(opened, "2.md", again.version.number) == data
        assert (await library.verify(deep=True)).faults == (), "the same bytes, brought again, mend all that had them"
