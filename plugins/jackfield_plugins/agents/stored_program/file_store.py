"""The files of one run: kept in memory from its record, and written through to its folder where it has the tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from jackfield.contracts.agents import AgentHost
from jackfield.contracts.tools import ToolResult
from jackfield.messages import Span

WRITER, READER = "write_file", "read_file"


class StoredFile(msgspec.Struct, frozen=True):
    """A file that the run wrote; `tainted` where its writer had read what may not command."""

    content: str
    tainted: bool = False

    @property
    def span(self) -> Span:
        """Its content as a model reads it: the run's own words, unless others' may have gone into them."""
        return Span(self.content, "file" if self.tainted else "assistant")


class FileStore:
    """Writes and reads for one run. What it holds follows from the run's answers, so a resumed run has it again."""

    def __init__(self, host: AgentHost, *, calls: bool = True) -> None:
        """Without `calls` the store stays in memory."""
        self._host = host
        self._files: dict[str, StoredFile] = {}
        has_folder = calls and host.folder is not None
        self.writes_through = has_folder and WRITER in host.tools
        self.reads_folder = has_folder and READER in host.tools

    @property
    def files(self) -> Mapping[str, StoredFile]:
        """What the run wrote, by path."""
        return self._files

    async def write(self, path: str, content: str, *, caused_by: Sequence[Span]) -> Span | None:
        """Put a whole file there; why it could not be.

        What the tool says of a write that went well is passed over: it tells whether a file was there before, which a
        run that died in between finds changed.
        """
        file = StoredFile(content, tainted=bool(caused_by))
        if self._files.get(path) == file:
            return None
        if self.writes_through:
            arguments = {"path": path, "content": content}
            result = await self._host.call(WRITER, arguments, caused_by=caused_by)
            if result.error:
                return Span(f"{path} could not be written: {result.text}", result.provenance)
        self._files[path] = file
        return None

    async def read(self, path: str, *, caused_by: Sequence[Span] = ()) -> Span:
        """What is in a file: the run's own, or one of its folder, or a sentence that there is none."""
        if path in self._files:
            return self._files[path].span
        if not self.reads_folder:
            return Span(f"There is no file {path}.", "system")
        result: ToolResult = await self._host.call(READER, {"path": path}, caused_by=caused_by)
        return Span(result.text, result.provenance)

    def causes(self) -> tuple[Span, ...]:
        """The files that may hold words of others."""
        return tuple(file.span for file in self._files.values() if file.tainted)
