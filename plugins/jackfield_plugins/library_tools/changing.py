"""`write_document`, `rename_document`, `delete_document`, `restore_document`: each makes a version, and loses none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from jackfield.contracts.files import Point, Written
from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield.errors import ArgumentsInvalid, FileNotThere
from jackfield.files.open_collection import OpenCollection
from jackfield_plugins.library_tools.library_tool import (
    AT,
    COLLECTION,
    PATH,
    REASON,
    VERSION,
    LibraryTool,
    from_file,
    parameters,
    point_of,
)

TARGETS = ("collection", "path")


class WriteDocument(LibraryTool):
    """Creates, overwrites or appends."""

    description = ToolDescription(
        name="write_document",
        description=(
            "Write one of the user's files: create it, write a new version of it, or add to its end with append. "
            "Older versions stay."
        ),
        parameters=parameters(
            ("path", "content"),
            path=PATH,
            content={"type": "string", "description": "the whole new text, or what is added"},
            append={"type": "boolean", "default": False, "description": "add to the end instead of overwriting"},
            expected={
                "type": "integer",
                "minimum": 0,
                "description": "write only if this is the newest version; 0: only if there is no such file",
            },
            collection=COLLECTION,
            reason=REASON,
        ),
        permission="write",
        targets=TARGETS,
    )

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Raises FileChanged, FileLocked, StorageFull, or InvalidRequest for a bad path."""
        collection = await self.opened(arguments, "write")
        path, chunks = arguments["path"], _once(arguments["content"].encode())
        if not arguments.get("append", False):
            expected, step = arguments.get("expected"), self.step(arguments)
            return _told(
                await collection.write(path, chunks, expected=expected, reason=step["reason"], change=step["change"])
            )
        if "expected" in arguments:
            raise ArgumentsInvalid("What is appended comes behind whatever version is the newest; leave expected out.")
        return _told(await collection.append(path, chunks, **self.step(arguments)))


class RenameDocument(LibraryTool):
    """The same file under another path."""

    description = ToolDescription(
        name="rename_document",
        description="Rename one of the user's files, or move it to another folder. Its history goes with it.",
        parameters=parameters(("path", "new_path"), path=PATH, new_path=PATH, collection=COLLECTION, reason=REASON),
        permission="write",
        targets=(*TARGETS, "new_path"),
    )

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Raises FileNotThere, NameTaken, FileLocked."""
        collection = await self.opened(arguments, "write")
        return _told(await collection.rename(arguments["path"], arguments["new_path"], **self.step(arguments)))


class DeleteDocument(LibraryTool):
    """A version that says the file is gone."""

    description = ToolDescription(
        name="delete_document",
        description="Delete one of the user's files. Its versions stay, and restore_document brings it back.",
        parameters=parameters(("path",), path=PATH, collection=COLLECTION, reason=REASON),
        permission="write",
        targets=TARGETS,
    )

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """A file that is deleted already stays so; raises FileNotThere for one that never was, FileLocked."""
        collection = await self.opened(arguments, "write")
        path = arguments["path"]
        try:
            return _told(await collection.delete(path, **self.step(arguments)))
        except FileNotThere:
            await collection.look(path, deleted=True)
            return from_file([f"'{path}' is deleted already."])


class RestoreDocument(LibraryTool):
    """An older version's bytes as a new version; of a deleted file, its last."""

    description = ToolDescription(
        name="restore_document",
        description=(
            "Bring back an older version of one of the user's files, by number or by time, as its new version; "
            "or a deleted file, with neither. document_history lists the versions."
        ),
        parameters=parameters(("path",), path=PATH, version=VERSION, at=AT, collection=COLLECTION, reason=REASON),
        permission="write",
        targets=(*TARGETS, "version", "at"),
    )

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Raises FileNotThere, VersionNotFound, FileLocked."""
        collection = await self.opened(arguments, "write")
        path, point, step = arguments["path"], point_of(arguments), self.step(arguments)
        brought_back = await _undeleted(collection, path, step)
        if point != Point():
            return _told(await collection.rollback(path, point, **step))
        if brought_back is None:
            raise ArgumentsInvalid(f"'{path}' is not deleted; say by version or at which version to bring back.")
        return _told(brought_back)


async def _undeleted(collection: OpenCollection, path: str, step: Mapping[str, str]) -> Written | None:
    """None for a file that is there; raises FileNotThere for one that never was."""
    try:
        await collection.look(path)
    except FileNotThere:
        return await collection.undelete(path, **step)
    return None


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _told(written: Written) -> ToolResult:
    file = written.file
    if not written.changed:
        return from_file([f"'{file.path}' has that content already; it stays at version {file.version}."])
    return from_file(
        [f"'{file.path}' in collection '{file.collection}': {written.version.action}, version {file.version}."]
    )
