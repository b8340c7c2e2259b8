"""`read_document`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.contracts.files import FileVersion, Point
from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield.errors import ArgumentsInvalid
from jackfield.files.open_collection import OpenCollection
from jackfield.files.sources import span_source
from jackfield_plugins.library_tools.library_tool import (
    AT,
    COLLECTION,
    PATH,
    VERSION,
    LibraryTool,
    from_file,
    parameters,
    place,
    point_of,
)

MOST = 15_000
"""Bytes of a text in one result."""


class ReadDocument(LibraryTool):
    """The text that was read out of a file, whatever its format, or a span of it."""

    description = ToolDescription(
        name="read_document",
        description=(
            "Read the text of one of the user's files, also of a PDF or a spreadsheet; the newest version unless "
            "version or at says another. start and end are bytes of the text, as search_library tells them. The first "
            "line has its number: write it, such as [1], behind what you take from the text."
        ),
        parameters=parameters(
            ("path",),
            path=PATH,
            collection=COLLECTION,
            version=VERSION,
            at=AT,
            start={"type": "integer", "minimum": 0, "default": 0, "description": "the first byte to read"},
            end={"type": "integer", "minimum": 1, "description": "the byte to stop before; by default the end"},
        ),
        permission="read",
        targets=("collection", "path"),
    )

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Raises FileNotThere, VersionNotFound, FileUnreadable, or ArgumentsInvalid for a span that is none."""
        collection = await self.opened(arguments)
        path = arguments["path"]
        version = await _version(collection, path, point_of(arguments))
        text = (await collection.text(path, Point(number=version.number))).encode()
        if not text:
            return from_file(["[The file has no text.]"])
        start, end = arguments.get("start", 0), min(arguments.get("end", len(text)), len(text))
        if start > len(text) or start > end:
            raise ArgumentsInvalid(f"'{path}' has {len(text)} bytes of text; start and end must lie in it, in order.")
        first, last = _whole(text, start), _whole(text, min(end, start + MOST))
        source = self.cited(span_source(collection.name, version, text[first:last].decode(), start=first))
        lines = [f"{place(source)} of {len(text)}", source.text]
        if last < end:
            lines.append(f"[There is more: go on with start={last}.]")
        return from_file(lines, [source])


async def _version(collection: OpenCollection, path: str, point: Point) -> FileVersion:
    opened = await collection.read(path, point)
    await opened.pieces.aclose()
    return opened.version


def _whole(text: bytes, place: int) -> int:
    """The place, or the one before it where a character begins."""
    while 0 < place < len(text) and text[place] & 0xC0 == 0x80:
        place -= 1
    return place
