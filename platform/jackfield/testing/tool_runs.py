"""Runs with tools in tests: how they are asked for, how a scripted model writes its calls, what their events say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from jackfield.contracts.engine import EngineLimits
from jackfield.contracts.runs import RunLimits, RunRequest, ToolUse
from jackfield.contracts.tools import Tool
from jackfield.events import RunEvent, TextDelta
from jackfield.messages import Message
from jackfield.testing.scripted_engine import Script, ScriptedEngine, Timing, answering
from jackfield.testing.scripted_tools import ScriptedTools
from jackfield.testing.temporary_workbench import temporary_workbench
from jackfield.workbench import Workbench

ROOMY = EngineLimits(context_length=32_768, cells=131_072, sequences=16, batch_tokens=2048)

Body = TypeVar("Body")


@asynccontextmanager
async def tool_workbench(
    folder: Path,
    reply_to: Callable[[str], str] | None,
    *tools: Tool,
    plugins: tuple[tuple[str, object], ...] = (),
    script: Script | None = None,
    per_pass: float = 0.0,
    limits: EngineLimits = ROOMY,
    **settings: Any,
) -> AsyncIterator[Workbench]:
    """A workbench with tools, whose model answers what a function makes of the prompt, or follows a script.

    `per_pass` is in seconds.
    """
    follows = script or answering(reply_to or (lambda prompt: ""))

    def engine() -> ScriptedEngine:
        return ScriptedEngine(follows, limits=limits, timing=Timing(per_pass=per_pass))

    offered = (*plugins, ("scripted-tools", ScriptedTools(*tools)))
    async with temporary_workbench(folder, engine, plugins=offered, **settings) as workbench:
        yield workbench


def call(tool: str, **arguments: Any) -> str:
    """A call as models of the Hermes family write it."""
    return f"<tool_call>\n{json.dumps({'name': tool, 'arguments': arguments})}\n</tool_call>"


def asking(text: str, *tools: str, agent: str | None = None, limits: RunLimits | None = None, **use: Any) -> RunRequest:
    """A request that lets a model call tools which run here; `use` are fields of ToolUse."""
    use.setdefault("protocol", "native")
    return RunRequest(
        model="",
        messages=(Message.of("user", text),),
        tools=ToolUse(names=tools, **use),
        agent=agent,
        limits=limits or RunLimits(),
    )


async def followed(workbench: Workbench, request: RunRequest) -> list[RunEvent]:
    """Every event of a run that ends by itself."""
    run = await workbench.start(request)
    return [event async for event in workbench.watch(run.id)]


def text_of(events: Sequence[RunEvent]) -> str:
    """The answer's text."""
    return "".join(event.body.text for event in events if isinstance(event.body, TextDelta))


def bodies(events: Sequence[RunEvent], kind: type[Body]) -> list[Body]:
    """The events of one kind."""
    return [event.body for event in events if isinstance(event.body, kind)]
