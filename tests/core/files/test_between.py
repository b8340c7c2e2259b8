"""Two who write a file at once: both versions stay, and who was last is told of the other's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from jackfield.cli.files.between import came_between, newest_version


async def one_piece(text: str) -> AsyncIterator[bytes]:
    yield text.encode()


async def test_what_came_while_a_writer_was_reading_is_told_and_kept(library_workbench: Any) -> None:
    async with library_workbench() as workbench:
        opened = await workbench.library().opened(level="write")

        async def slow() -> AsyncIterator[bytes]:
            yield b"mine, "
            await opened.write("plan.md", one_piece("theirs"))
            yield b"at last"

        before = await newest_version(opened, "plan.md")
        written = await opened.write("plan.md", slow())
        assert came_between(before, written) == (
            "Version 1 of 'plan.md' came in between and is kept; "
            "`jackfield files diff plan.md 1 2` shows what yours changed."
        )
        versions = [version.number for version in await opened.history("plan.md")]
        assert versions == [1, 2]
        alone = await opened.write("plan.md", one_piece("again"))
        assert came_between(2, alone) is None


async def test_a_file_that_was_deleted_long_ago_came_not_between(library_workbench: Any) -> None:
    async with library_workbench() as workbench:
        opened = await workbench.library().opened(level="write")
        await opened.write("plan.md", one_piece("old"))
        await opened.delete("plan.md")
        before = await newest_version(opened, "plan.md")
        assert came_between(before, await opened.write("plan.md", one_piece("new"))) is None
