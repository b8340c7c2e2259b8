"""`document_history` and `compare_document`: what a file was before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.contracts.files import Point
from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield.files.difference import difference
from jackfield_plugins.library_tools.library_tool import (
    COLLECTION,
    PATH,
    VERSION,
    LibraryTool,
    from_file,
    parameters,
    version_line,
)

MOST = 100


class DocumentHistory(LibraryTool):
    """Who changed a file, when, and why."""

    description = ToolDescription(
        name="document_history",
        description="List the versions of one of the user's files, the newest first: when, by whom, and why.",
        parameters=parameters(
            ("path",),
            path=PATH,
            collection=COLLECTION,
            deleted={"type": "boolean", "default": False, "description": "of a deleted file"},
        ),
        permission="read",
        targets=("collection", "path"),
    )

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Raises FileNotThere."""
        collection = await self.opened(arguments)
        history = await collection.history(arguments["path"], deleted=arguments.get("deleted", False))
        lines = [version_line(version) for version in history[: -MOST - 1 : -1]]
        if len(history) > MOST:
            lines.append(f"[{len(history) - MOST} older versions are not shown.]")
        return from_file(lines)


class CompareDocument(LibraryTool):
    """Two versions' difference."""

    description = ToolDescription(
        name="compare_document",
        description="Show what differs between two versions of one of the user's files, as a unified diff.",
        parameters=parameters(
            ("path",),
            path=PATH,
            collection=COLLECTION,
            old=VERSION | {"description": "the older version; the one before the newer if left out"},
            new=VERSION | {"description": "the newer version; the newest if left out"},
        ),
        permission="read",
        targets=("collection", "path"),
    )

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Raises FileNotThere or VersionNotFound."""
        old, new = arguments.get("old"), arguments.get("new")
        found = await difference(
            await self.opened(arguments),
            arguments["path"],
            Point(number=old) if old else None,
            Point(number=new) if new else None,
        )
        if found.unified is None:
            return from_file([f"[There is no difference to show: {found.reason}]"])
        return from_file([found.unified or f"[Versions {found.old.number} and {found.new.number} say the same.]"])
