"""What the tools for files have in common: they work in the folder that a run was granted, and nowhere else."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self

from jackfield.cancellation import carried_through
from jackfield.contracts.tools import RunScope, ToolDescription, ToolResult
from jackfield.errors import InvalidRequest
from jackfield_plugins.tools.folder import GrantedFolder


class FolderTool(ABC):
    """A tool that becomes usable `within` a run."""

    description: ToolDescription

    def __init__(self, folder: GrantedFolder | None = None) -> None:
        self._granted = folder

    def within(self, scope: RunScope) -> Self:
        """The tool on the run's folder; raises InvalidRequest where none was granted."""
        if scope.folder is None:
            raise self._no_folder()
        return type(self)(GrantedFolder(scope.folder))

    @abstractmethod
    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Do it in the granted folder; raises InvalidRequest outside of a run that was granted one."""

    @property
    def granted(self) -> GrantedFolder:
        """The run's folder; raises InvalidRequest where there is none."""
        if self._granted is None:
            raise self._no_folder()
        return self._granted

    def _no_folder(self) -> InvalidRequest:
        return InvalidRequest(
            f"{self.description.name} works in a folder, and no folder was granted; give one with --folder, "
            "or in the settings with tools.folder."
        )


class BlockingFolderTool(FolderTool):
    """One that only waits for the disk, in a thread."""

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Do it in the granted folder; raises InvalidRequest outside of a run that was granted one."""
        # A thread cannot be stopped: what comes next must not find it still changing a file.
        return await carried_through(asyncio.to_thread(self.result, self.granted, arguments))

    @abstractmethod
    def result(self, folder: GrantedFolder, arguments: Mapping[str, Any]) -> ToolResult:
        """What a call gives."""


def parameters(required: tuple[str, ...], **properties: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema of an object that has these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
