"""`run_python`: a model's code in the sandbox, also while it is still being written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from jackfield.cancellation import carried_through
from jackfield.contracts.tools import ArgumentPart, ToolDescription, ToolResult
from jackfield.errors import ToolFailure
from jackfield.identifiers import new_identifier
from jackfield_plugins.tools.folder_tool import parameters
from jackfield_plugins.tools.python_sandbox.isolation import Isolation, Limits, working_isolation
from jackfield_plugins.tools.python_sandbox.program import Program
from jackfield_plugins.tools.python_sandbox.result import OPEN, ending_in_words

REFUSAL = (
    "run_python is off here: without bubblewrap or user namespaces, code could read this machine's files and use the "
    "network. Ask the user to install bubblewrap, or to set tools.unsandboxed_python to true."
)

UNAVAILABLE = (
    "run_python does not work here: a Python interpreter cannot be started safely. Ask the user for `jackfield doctor`."
)


class _Begun(msgspec.Struct):
    """A program and how much of its code it was sent."""

    program: Program
    code: str = ""


class RunPython:
    """Runs code; each call is a program of its own that leaves nothing behind."""

    description = ToolDescription(
        name="run_python",
        description=(
            "Run a Python program and get what it prints and the value of its last line. Only the standard library "
            "is there; no network, none of the user's files. Nothing is kept from one call to the next."
        ),
        parameters=parameters(("code",), code={"type": "string", "description": "the program"}),
        permission="execute",
        targets=("code",),
        timeout=60.0,
        concurrency=4,
        estimate=1.0,
    )

    def __init__(
        self, *, unsandboxed: bool = False, isolation: Isolation | None = None, limits: Limits | None = None
    ) -> None:
        self._unsandboxed = unsandboxed
        self._isolation = isolation
        self._limits = limits or Limits()
        self._begun: dict[str, _Begun] = {}

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Run a whole program, as if its code had come in one piece."""
        token = await self.begin()
        try:
            return await self.finish(token, arguments)
        finally:
            await self.abort(token)

    async def begin(self) -> str:
        """Start an interpreter that waits for code; raises ToolFailure where it could not be kept apart."""
        way = await self._way()
        if way is None:
            raise ToolFailure(UNAVAILABLE)
        if not way.holds and not self._unsandboxed:
            raise ToolFailure(REFUSAL)
        program = Program(way, self._limits)
        try:
            await program.start()
        except OSError as error:
            raise ToolFailure(f"Python cannot be started: {error.strerror or error}; tell the user.") from error
        token = new_identifier("python")
        self._begun[token] = _Begun(program)
        return token

    async def feed(self, call: str, part: ArgumentPart) -> None:
        """Run the statements that became certain."""
        begun = self._begun[call]
        if part.field == "code" and isinstance(part.value, str):
            begun.code += part.value
            begun.program.send(part.value)

    async def finish(self, call: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Run the rest and say what came of it."""
        begun, code = self._begun[call], arguments["code"]
        if not code.startswith(begun.code):
            await self.abort(call)
            return await self.call(arguments)
        begun.program.send(code[len(begun.code) :])
        try:
            ending = await begun.program.ended()
        finally:
            await self.abort(call)
        result = ending_in_words(ending)
        return result if begun.program.apart else msgspec.structs.replace(result, text=f"{result.text}\n[{OPEN}]")

    async def abort(self, call: str) -> None:
        """Kill the program and all that it started."""
        begun = self._begun.pop(call, None)
        if begun is not None:
            await carried_through(begun.program.kill())

    async def _way(self) -> Isolation | None:
        if self._isolation is None:
            self._isolation = await asyncio.to_thread(working_isolation)
        return self._isolation
