"""Where an answer ends: at limits, at a single call, at a call that somebody else must run, and behind a forced one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import pytest

from jackfield.contracts.agents import Agent, AgentHost
from jackfield.contracts.registration import Provided
from jackfield.contracts.runs import RunLimits, RunRequest, ToolUse
from jackfield.contracts.tools import ToolChoice, ToolDescription
from jackfield.events import CallRefused, CallWritten, Failed, Finished, FinishReason, RunEvent, TextDelta
from jackfield.hookspecs import hookimpl
from jackfield.messages import Message
from jackfield.testing.scripted_tools import ScriptedTool
from jackfield.testing.tool_runs import asking, bodies, call, followed, text_of
from jackfield.workbench import Workbench

TRAP = "[TRAP][END]"
OSLO = '[CALL] oslo [HEAD] weather {"city": "Oslo"} [END]\n'


def weather(arguments: Mapping[str, Any]) -> str:
    return {"Oslo": "9", "Rome": "21"}[str(arguments["city"])]


def weather_tool(seconds: float = 0.0) -> ScriptedTool:
    return ScriptedTool("weather", weather, parameters={"city": "string"}, seconds=seconds)


def saying_oslo(reply: str) -> str | None:
    """What the interrupt for Oslo carried, once it is there."""
    _, found, rest = reply.partition("[INTR] oslo [HEAD] ")
    return f"It has {rest.partition(' [END]')[0]}." if found else None


async def ended(workbench: Workbench, request: RunRequest) -> list[RunEvent]:
    async with asyncio.timeout(20):
        return await followed(workbench, request)


async def test_tokens_that_are_used_up_amid_an_answer_end_the_run_with_that_reason(open_workbench: Any) -> None:
    async with open_workbench(lambda prompt: "word " * 100, weather_tool()) as workbench:
        events = await ended(workbench, asking("Go.", "weather", limits=RunLimits(tokens=30)))
    assert text_of(events).split() == ["word"] * 6
    assert isinstance(events[-1].body, Failed)
    assert (events[-1].body.code, "limits.tokens" in events[-1].body.message) == ("limit_reached", True)


async def test_an_answer_that_is_no_longer_than_was_asked_for_is_no_limit_of_the_run(open_workbench: Any) -> None:
    request = msgspec.structs.replace(asking("Go.", "weather", limits=RunLimits(tokens=30)), max_tokens=30)
    async with open_workbench(lambda prompt: "word " * 100, weather_tool()) as workbench:
        events = await ended(workbench, request)
    assert isinstance(events[-1].body, Finished)
    assert events[-1].body.reason == "length"
    assert events[-1].body.usage.completion_tokens == 30


class SideBySide:
    """An agent that asks for several answers at once."""

    name = "side-by-side"

    async def work(self, task: Sequence[Message], host: AgentHost) -> FinishReason:
        await asyncio.gather(*(host.answer([*task, Message.of("user", f"{number}")]) for number in range(4)))
        return "stop"

    @hookimpl
    def jackfield_agents(self) -> list[Provided[Agent]]:
        return [Provided(self.name, SideBySide)]


@pytest.mark.parametrize("limits", [RunLimits(tokens=30), RunLimits(spend=0.06)])
async def test_answers_side_by_side_share_their_limits(open_workbench: Any, limits: RunLimits) -> None:
    models = {"prices": {"scripted": (0.0, 2000.0)}}
    opened = partial(open_workbench.func, *open_workbench.args, plugins=(*open_workbench.keywords["plugins"], BESIDE))
    async with opened(lambda prompt: "word " * 100, weather_tool(), models=models) as workbench:
        events = await ended(workbench, asking("Go.", "weather", agent="side-by-side", limits=limits))
    assert isinstance(events[-1].body, Failed)
    assert events[-1].body.code == "limit_reached"
    assert sum(told.tokens for told in bodies(events, TextDelta)) <= 34


BESIDE = ("side-by-side", SideBySide())


async def test_results_do_not_let_an_answer_pass_its_length(open_reading_workbench: Any) -> None:
    request = asking("Where?", "weather", protocol="interrupts")
    request = msgspec.structs.replace(request, max_tokens=len(OSLO) + 5)
    async with open_reading_workbench(OSLO + "well then", saying_oslo, TRAP, weather_tool(0.1)) as workbench:
        events = await ended(workbench, request)
    assert isinstance(events[-1].body, Finished)
    assert events[-1].body.reason == "length"
    assert events[-1].body.usage.completion_tokens == len(OSLO) + 5


async def test_a_single_call_amid_an_answer_gets_its_result_and_the_answer_goes_on(open_reading_workbench: Any) -> None:
    tool = weather_tool()
    async with open_reading_workbench(OSLO, saying_oslo, TRAP, tool) as workbench:
        events = await ended(workbench, asking("Where?", "weather", protocol="interrupts", several=False))
    assert tool.asked == [{"city": "Oslo"}]
    assert isinstance(events[-1].body, Finished), events[-1]
    assert text_of(events).split() == ["It", "has", "9."]


async def test_an_answer_goes_on_behind_a_call_that_it_had_to_begin_with(open_reading_workbench: Any) -> None:
    def after(reply: str) -> str | None:
        _, found, rest = reply.partition("[INTR] 1 [HEAD] ")
        return f"It has {rest.partition(' [END]')[0]}." if found else ""

    tool = weather_tool(0.1)
    begins = '[CALL] 1 [HEAD] weather {"city": "Oslo"} [END]\n'
    choice = ToolChoice(mode="required", name="weather")
    async with open_reading_workbench(begins, after, TRAP, tool) as workbench:
        events = await ended(workbench, asking("Where?", "weather", protocol="interrupts", choice=choice))
    assert tool.asked == [{"city": "Oslo"}]
    assert bodies(events, CallRefused) == []
    assert text_of(events).split() == ["It", "has", "9."]


@pytest.mark.parametrize("mode", ["async", "parallel", "sync"])
@pytest.mark.parametrize("between", ["", "[CALL] b [HEAD] nothing {} [END]\n"])
async def test_an_answer_that_waits_for_what_its_caller_runs_ends(
    open_reading_workbench: Any, mode: Any, between: str
) -> None:
    description = ToolDescription(
        name="weather",
        description="Tells the weather.",
        parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    )
    request = RunRequest(
        model="",
        messages=(Message.of("user", "Where?"),),
        tools=ToolUse(callers=(description,), protocol="interrupts", mode=mode),
    )
    async with open_reading_workbench(OSLO + between + TRAP, lambda reply: "Guessed.", TRAP) as workbench:
        events = await ended(workbench, request)
    assert isinstance(events[-1].body, Finished), events[-1]
    assert events[-1].body.reason == "tool_calls"
    assert [written.call.arguments for written in bodies(events, CallWritten)] == [{"city": "Oslo"}]
    assert "Guessed" not in text_of(events)


async def test_a_call_refused_in_the_native_form_is_told_once(open_workbench: Any) -> None:
    def reply(prompt: str) -> str:
        return "I see." if "<tool_response>" in prompt else call("whisper", text="x")

    async with open_workbench(reply, weather_tool()) as workbench:
        events = await ended(workbench, asking("Whisper.", "weather"))
    assert text_of(events) == "I see."
