"""Tools that a model can call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import msgspec

from jackfield.events import Source
from jackfield.messages import Provenance

if TYPE_CHECKING:
    from jackfield.files.library import Library

Permission = Literal["read", "write", "network", "execute"]
CallMode = Literal["sync", "parallel", "async"]

RESULT_LIMIT = 16_000
"""Characters of a result that a model is shown, unless a tool says otherwise."""


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether a model may call, must call, or must call the tool of one name."""

    mode: Literal["none", "auto", "required"] = "auto"
    name: str | None = None


class ToolDescription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a tool before it is called; `parameters` is a JSON schema of an object.

    `targets` are the parameters that decide where an effect goes (a path, an address, code); None means all of them.
    A call is given `timeout` seconds and tried again `retries` times where the tool asks for it (RetryLater); at most
    `concurrency` calls of it run at once (0: any number). Results longer than `result_limit` characters are cut with a
    notice. Those of a `derived` tool follow from the arguments alone and command no more than who wrote these; whatever
    else a tool gives is text from outside. `estimate` is how many seconds a call takes, for as long as none was timed.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    permission: Permission = "read"
    targets: tuple[str, ...] | None = None
    timeout: float = 30.0
    retries: int = 0
    concurrency: int = 0
    result_limit: int = RESULT_LIMIT
    estimate: float = 0.0
    derived: bool = False


class ToolResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a call gave back and where that text comes from; `error` says that it is a reason and not a result.

    `sources` are what an answer may cite of it, each shown in the text with the number that `RunScope.cite` gave it.
    """

    text: str
    error: bool = False
    provenance: Provenance = "tool"
    sources: tuple[Source, ...] = ()


@runtime_checkable
class Tool(Protocol):
    """One callable thing. It does not ask for approval, retry or time itself out: the runner does.

    What it raises ends the call and not the run: the model is told. A JackfieldError's sentence is passed on as it is.
    """

    @property
    def description(self) -> ToolDescription: ...

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Do it; `arguments` fit the schema. Cancelled where it takes too long. Raises RetryLater to be tried again."""
        ...


class ArgumentPart(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a call's arguments as it becomes certain: a whole value, or the next whole lines of a text.

    `complete` says that the field ends here; the texts of a field's parts join to its value.
    """

    field: str
    value: Any
    complete: bool


@runtime_checkable
class StreamingTool(Protocol):
    """A tool that may begin before its arguments are whole (Conveyor); what it does by then has no side effect."""

    @property
    def description(self) -> ToolDescription: ...

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """Do it all at once, as every tool does."""
        ...

    async def begin(self) -> str:
        """Open a call and give its token."""
        ...

    async def feed(self, call: str, part: ArgumentPart) -> None:
        """Work on what is certain; parts come in the order in which they were written, one after the other."""
        ...

    async def finish(self, call: str, arguments: Mapping[str, Any]) -> ToolResult:
        """The result, now that the arguments are whole and fit the schema."""
        ...

    async def abort(self, call: str) -> None:
        """Undo and forget: the call turned out otherwise. Never raises for an unknown token."""
        ...


class RunScope(msgspec.Struct, frozen=True, kw_only=True):
    """What a run grants its tools: a folder to see, if any, and the semantic files of whoever began it.

    `library` opens them, as that person may see them at that moment; raises NotAllowed, or NothingRegistered. `cite`
    gives a source the number by which the run's answers cite it, the same passage always the same one.
    """

    run_id: str
    folder: Path | None = None
    library: Callable[[], Awaitable[Library]] | None = None
    cite: Callable[[Source], Source] | None = None


@runtime_checkable
class ScopedTool(Protocol):
    """A tool that works differently for every run, such as within the folder that one was granted."""

    def within(self, scope: RunScope) -> Tool:
        """The tool as this run has it; its description is the same. Raises InvalidRequest where it lacks a grant."""
        ...


class ToolSource(Protocol):
    """Tools that are only known once something was asked, such as a server; `jackfield_tool_sources` offers them."""

    async def tools(self) -> tuple[Tool, ...]:
        """Those it has now; connects on first use. Raises Unavailable with the reason."""
        ...

    async def close(self) -> None:
        """Let go of what it holds; a second call does nothing."""
        ...
