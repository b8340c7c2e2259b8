"""`search_library`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.contracts.files import Found
from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield_plugins.library_tools.library_tool import LibraryTool, from_file, parameters

USUAL = 5
MOST = 20
LONGEST = 2_500
"""Characters of one passage that are shown; read_document has the rest."""


class SearchLibrary(LibraryTool):
    """Passages, each with what it takes to cite it."""

    description = ToolDescription(
        name="search_library",
        description=(
            "Find passages of the user's files that answer a question, by words and by meaning. Each says its path, "
            "version and bytes: name path and version where you use one, and read on there with read_document."
        ),
        parameters=parameters(
            ("question",),
            question={"type": "string", "minLength": 1, "maxLength": 2000, "description": "what is looked for"},
            collection={"type": "string", "description": "only in this collection"},
            under={"type": "string", "description": "only below this path"},
            limit={"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
        ),
        permission="read",
    )

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Raises CollectionNotFound, InvalidRequest."""
        library = await self.library()
        collection = arguments.get("collection")
        result = await library.search(
            arguments["question"],
            collections=(collection,) if collection else (),
            under=arguments.get("under", ""),
            limit=arguments.get("limit", USUAL),
        )
        lines = [_shown(number, found) for number, found in enumerate(result.found, start=1)]
        if not lines:
            lines.append("[Nothing was found.]")
        if result.notice:
            lines.append(f"[{result.notice}]")
        return from_file(lines)


def _shown(number: int, found: Found) -> str:
    heading = f", {found.heading}" if found.heading else ""
    text = found.text.strip()
    if len(text) > LONGEST:
        read_on = f"read_document with start={found.start} shows all of it"
        text = f"{text[:LONGEST]}\n[The passage is longer; {read_on}.]"
    where = f"{found.collection}:{found.path}, version {found.version}, bytes {found.start}-{found.end}"
    return f"[{number}] {where}{heading}\n{text}\n"
