"""What the tools over semantic files have in common: they see what whoever began the run may see, and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

from jackfield.contracts.files import FileVersion, Level, Point
from jackfield.contracts.tools import RunScope, ToolDescription, ToolResult
from jackfield.errors import ArgumentsInvalid, InvalidRequest
from jackfield.events import Source
from jackfield.files.library import Library
from jackfield.files.open_collection import OpenCollection

PATH = {"type": "string", "minLength": 1, "description": "the file's path in its collection, such as notes/plan.md"}
COLLECTION = {"type": "string", "description": "the collection's name; the usual one if left out"}
VERSION = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1, "description": "a version's number"}
AT = {"type": "string", "description": "a time such as 2026-11-21T14:00; the version that was the newest then"}
REASON = {"type": "string", "maxLength": 500, "description": "why, for the file's history"}


class LibraryTool(ABC):
    """A tool that becomes usable `within` a run."""

    description: ToolDescription

    def __init__(self, scope: RunScope | None = None) -> None:
        self._scope = scope

    def within(self, scope: RunScope) -> Self:
        """The tool on the files of whoever began the run; raises InvalidRequest where it has none."""
        if scope.library is None:
            raise self._no_library()
        return type(self)(scope)

    @abstractmethod
    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Do it; raises InvalidRequest outside of a run."""

    async def library(self) -> Library:
        """The files, as they may be seen now; raises InvalidRequest outside of a run, NotAllowed, NothingRegistered."""
        if self._scope is None or self._scope.library is None:
            raise self._no_library()
        return await self._scope.library()

    async def opened(self, arguments: Mapping[str, Any], level: Level = "read") -> OpenCollection:
        """The collection that a call names, or the usual one."""
        return await (await self.library()).opened(arguments.get("collection") or None, level)

    def cited(self, source: Source) -> Source:
        """A source with the number by which answers of this run cite it."""
        return self._scope.cite(source) if self._scope and self._scope.cite else source

    def step(self, arguments: Mapping[str, Any]) -> dict[str, str]:
        """Why something is changed, and the name by which all that this run changes is undone together."""
        run = self._scope.run_id if self._scope else ""
        return {"reason": arguments.get("reason") or f"by {self.description.name} in {run}", "change": run}

    def _no_library(self) -> InvalidRequest:
        return InvalidRequest(f"{self.description.name} works on semantic files, and there are none here.")


def parameters(required: tuple[str, ...], **properties: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema of an object that has these properties and no others."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def from_file(lines: list[str], sources: Sequence[Source] = ()) -> ToolResult:
    """Lines that say what is in files, or what somebody called them: none of it may command."""
    return ToolResult(text="\n".join(lines), provenance="file", sources=tuple(sources))


def place(source: Source) -> str:
    """A source's number, and where it stands."""
    where = f"{source.collection}:{source.path}, version {source.version}, bytes {source.start}-{source.end}"
    return f"[{source.number}] {where}"


def point_of(arguments: Mapping[str, Any]) -> Point:
    """Which version is meant; raises ArgumentsInvalid for a time that is none, or where both are given."""
    number, at = arguments.get("version"), arguments.get("at")
    if number is not None and at:
        raise ArgumentsInvalid("Give either version or at, not both.")
    if not at:
        return Point(number=number)
    try:
        moment = datetime.fromisoformat(at)
        return Point(at=(moment if moment.tzinfo else moment.astimezone()).astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise ArgumentsInvalid(f"at is '{at[:50]}'; give a time such as 2026-11-21T14:00.") from error


def version_line(version: FileVersion) -> str:
    """A version as a line: its number, when, by whom and why."""
    reason = f": {version.reason}" if version.reason else ""
    brought = f" from version {version.restored_from}" if version.restored_from else ""
    when = version.written_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return (
        f"version {version.number}, {when}, {version.action}{brought} by {version.author.name}, "
        f"{version.size} bytes, {version.path}{reason}"
    )
