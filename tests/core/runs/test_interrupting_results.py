"""Results that reach a model while it writes (AsyncLM), and tools that begin before their arguments are whole."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import pytest

from jackfield.contracts.tools import ArgumentPart, ToolDescription, ToolResult
from jackfield.events import CallEnded, CallStarted, Failed, Finished, Paused
from jackfield.testing.scripted_tools import ScriptedTool
from jackfield.testing.tool_runs import asking, bodies, call, followed, text_of


def weather(arguments: Mapping[str, Any]) -> str:
    return {"Oslo": "9", "Rome": "21"}[str(arguments["city"])]


def asking_weather(seconds: float = 0.0) -> ScriptedTool:
    return ScriptedTool("weather", weather, parameters={"city": "string"}, seconds=seconds)


CALLS = '[CALL] oslo [HEAD] weather {"city": "Oslo"} [END]\n[CALL] rome [HEAD] weather {"city": "Rome"} [END]\n'
TRAP = "[TRAP][END]"


def following(reply_so_far: str) -> str | None:
    """The value that the last interrupt carried for each city, once both are there."""
    values = {}
    for name in ("oslo", "rome"):
        _, found, rest = reply_so_far.partition(f"[INTR] {name} [HEAD] ")
        if found:
            values[name] = rest.partition(" [END]")[0]
    return None if len(values) < 2 else f"Oslo {values['oslo']}, Rome {values['rome']}."


@pytest.mark.parametrize("mode", ["async", "parallel", "sync"])
async def test_results_are_put_into_the_answer_that_is_being_written(open_reading_workbench: Any, mode: str) -> None:
    tool = asking_weather(0.02)
    async with open_reading_workbench(CALLS + TRAP, following, TRAP, tool) as workbench:
        events = await followed(workbench, asking("Where is it warmer?", "weather", protocol="interrupts", mode=mode))
    assert sorted(asked["city"] for asked in tool.asked) == ["Oslo", "Rome"]
    assert isinstance(events[-1].body, Finished), events[-1]
    assert text_of(events).split() == ["Oslo", "9,", "Rome", "21."]
    assert "[" not in text_of(events)


async def test_a_trap_with_nothing_pending_is_nothing(open_reading_workbench: Any) -> None:
    def at_once(reply_so_far: str) -> str | None:
        return "Just so."

    async with open_reading_workbench(TRAP, at_once, TRAP, asking_weather()) as workbench:
        events = await followed(workbench, asking("Hello.", "weather", protocol="interrupts"))
    assert text_of(events).strip() == "Just so."


class Counting:
    """A streaming tool that works on each line as it comes, and tells what it saw by then."""

    def __init__(self) -> None:
        self.description = ToolDescription(
            name="count",
            description="Counts lines.",
            parameters={"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]},
        )
        self.parts: list[str] = []
        self.aborted = 0
        self.early = 0
        self.whole = False

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        return ToolResult(text=str(len(str(arguments["code"]).splitlines())))

    async def begin(self) -> str:
        return "one"

    async def feed(self, call: str, part: ArgumentPart) -> None:
        self.parts.append(str(part.value))

    async def finish(self, call: str, arguments: Mapping[str, Any]) -> ToolResult:
        self.early = len(self.parts)
        return await self.call(arguments)

    async def abort(self, call: str) -> None:
        self.aborted += 1


async def test_a_tool_that_takes_parts_begins_before_its_arguments_are_whole(open_workbench: Any) -> None:
    code = "a = 1\nb = 2\nc = 3\n"

    def reply(prompt: str) -> str:
        return "Three." if "<tool_response>" in prompt else call("count", code=code)

    tool = Counting()
    async with open_workbench(reply, tool, per_pass=0.001) as workbench:
        events = await followed(workbench, asking("Count.", "count"))
    assert "".join(tool.parts) == code
    assert tool.early >= 1
    assert tool.aborted == 0
    assert len(bodies(events, CallStarted)) == 1
    assert bodies(events, CallEnded)[0].text == "3"
    assert bodies(events, CallEnded)[0].tokens_meanwhile > 0


async def test_a_tool_that_began_is_told_when_the_call_turns_out_to_be_none(open_workbench: Any) -> None:
    def reply(prompt: str) -> str:
        if "<tool_response>" in prompt:
            return "I see."
        return '<tool_call>\n{"name": "count", "arguments": {"code": "a\\nb", oops}}\n</tool_call>'

    tool = Counting()
    async with open_workbench(reply, tool) as workbench:
        events = await followed(workbench, asking("Count.", "count"))
    assert tool.aborted == 1
    assert not bodies(events, CallEnded)
    assert isinstance(events[-1].body, Finished)


async def test_cancelling_aborts_what_was_begun(open_workbench: Any) -> None:
    tool = Counting()
    endless = '<tool_call>\n{"name": "count", "arguments": {"code": "' + "line\\n" * 2000
    async with open_workbench(lambda prompt: endless, tool, per_pass=0.001) as workbench:
        run = await workbench.start(asking("Count.", "count"))
        while not tool.parts:
            await asyncio.sleep(0.001)
        await workbench.cancel(run.id)
        [event async for event in workbench.watch(run.id)]
    assert tool.aborted == 1


async def test_what_has_no_room_in_the_context_ends_the_run_with_its_reason(open_reading_workbench: Any) -> None:
    big = ScriptedTool("weather", lambda arguments: "x" * 60_000, parameters={"city": "string"}, result_limit=100_000)
    async with open_reading_workbench(CALLS + TRAP, following, TRAP, big) as workbench:
        events = await followed(workbench, asking("Where?", "weather", protocol="interrupts"))
    assert isinstance(events[-1].body, Failed)
    assert events[-1].body.code == "context_length_exceeded"


@pytest.mark.parametrize("mode", ["async", "parallel", "sync"])
async def test_a_call_amid_an_answer_waits_for_approval_too(open_reading_workbench: Any, mode: str) -> None:
    tool = ScriptedTool("weather", weather, parameters={"city": "string"}, permission="network")
    async with open_reading_workbench(CALLS + TRAP, following, TRAP, tool) as workbench:
        run = await workbench.start(asking("Where?", "weather", protocol="interrupts", mode=mode))
        for _ in range(2):
            async with aclosing(workbench.watch(run.id)) as events:
                async for event in events:
                    if isinstance(event.body, Paused) and (await workbench.run(run.id)).state == "paused":
                        await workbench.decide(run.id, approved=True)
                    elif event.final:
                        break
        events = [event async for event in workbench.watch(run.id)]
    assert sorted(asked["city"] for asked in tool.asked) == ["Oslo", "Rome"]
    assert isinstance(events[-1].body, Finished), events[-1]
    assert text_of(events).split() == ["Oslo", "9,", "Rome", "21."]
