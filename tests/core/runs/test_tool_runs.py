"""Runs whose model calls tools: what is called, when, and what the model reads of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.contracts.runs import RunLimits
from jackfield.events import CallEnded, CallStarted, CallWritten, Failed, Finished, Noted, Started
from jackfield.testing.scripted_tools import ScriptedTool
from jackfield.testing.tool_runs import asking, bodies, call, followed, text_of


def shouted(arguments: Mapping[str, Any]) -> str:
    return str(arguments["text"]).upper()


def shouting(prompt: str) -> str:
    """Calls `shout` once, and then says what it gave."""
    if "<tool_response>" in prompt:
        return "It says " + prompt.rpartition("<tool_response>\n")[2].partition("\n</tool_response>")[0]
    return "Let me see. " + call("shout", text="hello")


async def test_a_model_calls_reads_the_result_and_answers(open_workbench: Any) -> None:
    shout = ScriptedTool("shout", shouted)
    async with open_workbench(shouting, shout) as workbench:
        events = await followed(workbench, asking("Shout hello.", "shout"))
    assert shout.asked == [{"text": "hello"}]
    assert text_of(events) == "Let me see.\n\nIt says HELLO"
    assert len(bodies(events, Started)) == 1
    (written,) = bodies(events, CallWritten)
    assert (written.call.tool, written.ours) == ("shout", True)
    (ended,) = bodies(events, CallEnded)
    assert (ended.text, ended.error) == ("HELLO", False)
    assert isinstance(events[-1].body, Finished)
    assert events[-1].body.reason == "stop"
    assert [event.number for event in events] == list(range(1, len(events) + 1))


async def test_a_tool_works_while_the_model_writes_on(open_workbench: Any) -> None:
    def reply(prompt: str) -> str:
        return "Done." if "<tool_response>" in prompt else call("shout", text="x") + " And meanwhile I go on writing."

    slow = ScriptedTool("shout", shouted, seconds=0.3)
    async with open_workbench(reply, slow, per_pass=0.002) as workbench:
        events = await followed(workbench, asking("Go.", "shout"))
        parallel = await followed(workbench, asking("Go.", "shout", mode="parallel"))
    assert bodies(events, CallEnded)[0].tokens_meanwhile > 0
    assert bodies(parallel, CallEnded)[0].tokens_meanwhile == 0


async def test_a_call_that_is_none_is_told_to_the_model_and_the_run_goes_on(open_workbench: Any) -> None:
    def reply(prompt: str) -> str:
        return "I see." if "<tool_response>" in prompt else call("whisper", text="x")

    async with open_workbench(reply, ScriptedTool("shout", shouted)) as workbench:
        events = await followed(workbench, asking("Whisper.", "shout"))
    assert text_of(events) == "I see."
    assert not bodies(events, CallStarted)


async def test_a_tool_that_raises_is_told_to_the_model(open_workbench: Any) -> None:
    def broken(arguments: Mapping[str, Any]) -> str:
        raise ZeroDivisionError("division by zero")

    async with open_workbench(shouting, ScriptedTool("shout", broken)) as workbench:
        events = await followed(workbench, asking("Shout.", "shout"))
    assert "division by zero" in text_of(events)
    assert bodies(events, CallEnded)[0].error


async def test_a_model_that_calls_the_same_for_ever_has_to_answer_without_calls(open_workbench: Any) -> None:
    def reply(prompt: str) -> str:
        return call("shout", text="again") if "# Tools" in prompt else "It says AGAIN."

    shout = ScriptedTool("shout", shouted)
    async with open_workbench(reply, shout) as workbench:
        events = await followed(workbench, asking("Shout.", "shout"))
    assert text_of(events) == "It says AGAIN."
    assert len(shout.asked) == 4
    assert any("4 times with the same arguments" in noted.text for noted in bodies(events, Noted))


async def test_steps_are_limited(open_workbench: Any) -> None:
    def reply(prompt: str) -> str:
        return call("shout", text=str(prompt.count("<tool_response>")))

    shout = ScriptedTool("shout", shouted)
    async with open_workbench(reply, shout) as workbench:
        events = await followed(workbench, asking("Shout.", "shout", limits=RunLimits(steps=5)))
    assert isinstance(events[-1].body, Failed)
    assert events[-1].body.code == "limit_reached"
    assert len(shout.asked) == 5


async def test_several_calls_of_one_answer_run_side_by_side_and_come_back_in_order(
    open_workbench: Any,
) -> None:
    def reply(prompt: str) -> str:
        if "<tool_response>" in prompt:
            parts = prompt.split("<tool_response>\n")[1:]
            return " ".join(part.partition("\n</tool_response>")[0] for part in parts)
        return "\n".join(call("shout", text=text) for text in ("one", "two", "three"))

    shout = ScriptedTool("shout", shouted, seconds=0.02)
    for mode in ("async", "parallel"):
        async with open_workbench(reply, shout) as workbench:
            events = await followed(workbench, asking("Shout.", "shout", mode=mode))
        assert text_of(events) == "ONE TWO THREE"


async def test_a_call_made_over_and_over_ends_though_it_gives_something_else_each_time(open_workbench: Any) -> None:
    def reply(prompt: str) -> str:
        return call("shout", text="again") if "# Tools" in prompt else "Enough."

    counted = iter(range(1000))
    tool = ScriptedTool("shout", lambda arguments: f"result {next(counted)}")
    async with open_workbench(reply, tool) as workbench:
        events = await followed(workbench, asking("Shout.", "shout"))
    assert text_of(events) == "Enough."
    assert len(tool.asked) == 12
