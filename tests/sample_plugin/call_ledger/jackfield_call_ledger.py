"""Tools whose calls outlive the process: each adds a line to the file that `JACKFIELD_TEST_LEDGER` names."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    from jackfield.contracts.tools import Permission, Tool, ToolResult

LEDGER = "JACKFIELD_TEST_LEDGER"
SECONDS = 0.5
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


class CallLedger:
    """The plugin."""

    @hookimpl
    def jackfield_tools(self) -> list[Provided[Tool]]:
        """One that may be called unasked, and one that needs permission."""
        return [
            Provided("jot", lambda: LedgerTool("jot", "read"), "writes a line down"),
            Provided("stamp", lambda: LedgerTool("stamp", "execute"), "does so with permission"),
        ]


class LedgerTool:
    """Takes half a second, and writes its line down at the end."""

    def __init__(self, name: str, permission: Permission) -> None:
        from jackfield.contracts.tools import ToolDescription

        self.description = ToolDescription(
            name=name, description="Writes a line down.", parameters=SCHEMA, permission=permission
        )

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """The text itself."""
        from jackfield.contracts.tools import ToolResult

        await asyncio.sleep(SECONDS)
        with Path(os.environ[LEDGER]).open("a", encoding="utf-8") as ledger:
            ledger.write(f"{arguments['text']}\n")
        return ToolResult(text=arguments["text"])


plugin = CallLedger()
