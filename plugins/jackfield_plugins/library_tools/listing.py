"""`list_collections` and `list_documents`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.contracts.files import StoredFile
from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield.quantities import readable_bytes
from jackfield_plugins.library_tools.library_tool import COLLECTION, LibraryTool, from_file, parameters

MOST = 200


class ListCollections(LibraryTool):
    """Those that one may read."""

    description = ToolDescription(
        name="list_collections",
        description="List the collections of files that the user has, and how many files each holds.",
        parameters=parameters(()),
        permission="read",
    )

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The usual one is marked."""
        library = await self.library()
        lines = [
            f"{one.name}{' (the usual one)' if one.name == library.default else ''}: {one.files} files"
            for one in await library.own_collections()
        ]
        return from_file(lines or ["[There is no collection yet.]"])


class ListDocuments(LibraryTool):
    """The files of a collection, by the page."""

    description = ToolDescription(
        name="list_documents",
        description="List the files of a collection in the order of their paths, each with its newest version.",
        parameters=parameters(
            (),
            collection=COLLECTION,
            under={"type": "string", "description": "only files below this path"},
            after={"type": "string", "description": "only files behind this path, to go on"},
            deleted={"type": "boolean", "default": False, "description": "list deleted files instead"},
        ),
        permission="read",
    )

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Raises CollectionNotFound."""
        collection = await self.opened(arguments)
        files = await collection.page(
            under=arguments.get("under", ""),
            after=arguments.get("after", ""),
            deleted=arguments.get("deleted", False),
            limit=MOST + 1,
        )
        lines = [_line(file) for file in files[:MOST]]
        if len(files) > MOST:
            lines.append(f"[There are more; go on with after='{files[MOST - 1].path}'.]")
        return from_file(lines or [f"[Collection '{collection.name}' has no such files.]"])


def _line(file: StoredFile) -> str:
    when = file.modified_at.astimezone().strftime("%Y-%m-%d %H:%M")
    held = f", held by {file.lock.by.name}" if file.lock else ""
    return f"{file.path} (version {file.version}, {readable_bytes(file.size)}, {when}{held})"
