"""`search_library`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield.events import Source
from jackfield.files.sources import source_of
from jackfield_plugins.library_tools.library_tool import LibraryTool, from_file, parameters, place

USUAL = 5
MOST = 20
LONGEST = 2_500
"""Characters of one passage that are shown; read_document has the rest."""
ROOM = 15_000
"""Characters of all together; a result that is longer would be cut within a passage."""


class SearchLibrary(LibraryTool):
    """Passages, each with what it takes to cite it."""

    description = ToolDescription(
        name="search_library",
        description=(
            "Find passages of the user's files that answer a question, by words and by meaning. Each has a number: "
            "write it, such as [1], behind what you take from that passage. It says its path, version and bytes too: "
            "read on there with read_document."
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
        sources: list[Source] = []
        lines: list[str] = []
        for found in map(source_of, result.found):
            source = self.cited(_beginning(found))
            shown = _shown(source, longer=source.end < found.end)
            if lines and sum(map(len, lines)) + len(shown) > ROOM:
                rest = len(result.found) - len(sources)
                lines.append(f"[{rest} more have no room here; ask for fewer, or below a path.]")
                break
            sources.append(source)
            lines.append(shown)
        if not lines:
            lines.append("[Nothing was found.]")
        if result.notice:
            lines.append(f"[{result.notice}]")
        return from_file(lines, sources)


def _beginning(source: Source) -> Source:
    """As much of a passage as is shown."""
    text = source.text[:LONGEST]
    end = source.end if text == source.text else source.start + len(text.encode())
    return msgspec.structs.replace(source, text=text, end=end)


def _shown(source: Source, *, longer: bool) -> str:
    heading = f", {source.heading}" if source.heading else ""
    rest = f"\n[The passage is longer; read_document with start={source.end} goes on.]" if longer else ""
    return f"{place(source)}{heading}\n{source.text.strip()}{rest}\n"
