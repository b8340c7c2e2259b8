"""Calls that wait for somebody: the run stands still on record, and goes on as it was decided."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import Conflict
from jackfield.events import CallEnded, Cancelled, Decided, Finished, Paused, RunEvent
from jackfield.testing.scripted_tools import ScriptedTool
from jackfield.testing.tool_runs import asking, bodies, call, followed, text_of, tool_workbench
from jackfield.workbench import Workbench
from jackfield_plugins.agents import plugin as agents
from jackfield_plugins.function_calls import plugin as function_calls
from jackfield_plugins.tools import plugin as tools


def done(arguments: Mapping[str, Any]) -> str:
    return f"wrote {arguments['text']}"


def writer() -> ScriptedTool:
    return ScriptedTool("write", done, permission="write")


def writing(prompt: str) -> str:
    if "<tool_response>" in prompt:
        return "Then: " + prompt.rpartition("<tool_response>\n")[2].partition("\n</tool_response>")[0]
    return "I write. " + call("write", text="this")


async def until_paused(workbench: Workbench, run_id: str, *, after: int = 0) -> list[RunEvent]:
    seen: list[RunEvent] = []
    async with aclosing(workbench.watch(run_id, after=after)) as events:
        async for event in events:
            seen.append(event)
            if isinstance(event.body, Paused):
                break
    while (await workbench.run(run_id)).state != "paused":
        await asyncio.sleep(0.001)
    return seen


async def test_a_call_that_writes_waits_and_runs_once_it_is_approved(open_workbench: Any) -> None:
    tool = writer()
    async with open_workbench(writing, tool) as workbench:
        run = await workbench.start(asking("Write this.", "write"))
        before = await until_paused(workbench, run.id)
        assert tool.asked == []
        (paused,) = bodies(before, Paused)
        assert paused.reason == "approval"
        assert [pending.call.tool for pending in paused.calls] == ["write"]
        await workbench.decide(run.id, approved=True, call=paused.calls[0].call.identifier)
        after = [event async for event in workbench.watch(run.id, after=before[-1].number)]
    assert tool.asked == [{"text": "this"}]
    events = before + after
    assert text_of(events) == "I write.\n\nThen: wrote this"
    assert isinstance(events[-1].body, Finished)
    assert len(bodies(events, Decided)) == 1
    assert [event.number for event in events] == list(range(1, len(events) + 1))


async def test_a_denied_call_is_told_to_the_model_with_the_reason(open_workbench: Any) -> None:
    tool = writer()
    async with open_workbench(writing, tool) as workbench:
        run = await workbench.start(asking("Write this.", "write"))
        await until_paused(workbench, run.id)
        await workbench.decide(run.id, approved=False, reason="Not on Saturdays.")
        events = [event async for event in workbench.watch(run.id)]
    assert tool.asked == []
    assert "Not on Saturdays." in text_of(events)
    assert isinstance(events[-1].body, Finished)


@pytest.mark.parametrize("use", [{"allowed": ("write",)}, {"approval": "grant"}])
async def test_what_was_permitted_before_is_not_asked_for(open_workbench: Any, use: dict[str, Any]) -> None:
    tool = writer()
    async with open_workbench(writing, tool) as workbench:
        events = await followed(workbench, asking("Write this.", "write", **use))
    assert tool.asked == [{"text": "this"}]
    assert isinstance(events[-1].body, Finished)


async def test_settings_permit_for_every_run(open_workbench: Any) -> None:
    tool = writer()
    async with open_workbench(writing, tool, tools={"allow": ("write",)}) as workbench:
        await followed(workbench, asking("Write this.", "write"))
    assert tool.asked == [{"text": "this"}]


async def test_what_needs_no_permission_runs_while_something_else_waits(open_workbench: Any) -> None:
    def both(prompt: str) -> str:
        return "Done." if "<tool_response>" in prompt else call("write", text="a") + call("look", text="b")

    tool, look = writer(), ScriptedTool("look", lambda arguments: "seen")
    async with open_workbench(both, tool, look) as workbench:
        run = await workbench.start(asking("Go.", "write", "look"))
        before = await until_paused(workbench, run.id)
        assert look.asked == [{"text": "b"}]
        await workbench.decide(run.id, approved=True)
        after = [event async for event in workbench.watch(run.id, after=before[-1].number)]
    assert look.asked == [{"text": "b"}]
    assert tool.asked == [{"text": "a"}]
    assert len(bodies(before + after, CallEnded)) == 2


async def test_each_of_several_calls_is_decided_by_itself(open_workbench: Any) -> None:
    def both(prompt: str) -> str:
        return "Done." if "<tool_response>" in prompt else call("write", text="a") + call("write", text="b")

    tool = writer()
    async with open_workbench(both, tool) as workbench:
        run = await workbench.start(asking("Go.", "write"))
        seen = await until_paused(workbench, run.id)
        first, second = bodies(seen, Paused)[0].calls
        await workbench.decide(run.id, approved=True, call=second.call.identifier)
        assert (await workbench.run(run.id)).state == "paused"
        with pytest.raises(Conflict, match="waits for approval of write"):
            await workbench.resume(run.id)
        with pytest.raises(Conflict, match="does not wait for call"):
            await workbench.decide(run.id, approved=True, call=second.call.identifier)
        await workbench.decide(run.id, approved=False, call=first.call.identifier)
        events = [event async for event in workbench.watch(run.id)]
    assert tool.asked == [{"text": "b"}]
    assert isinstance(events[-1].body, Finished)


async def test_a_paused_run_can_be_cancelled_and_then_waits_for_nobody(open_workbench: Any) -> None:
    async with open_workbench(writing, writer()) as workbench:
        run = await workbench.start(asking("Write this.", "write"))
        await until_paused(workbench, run.id)
        assert await workbench.cancel(run.id)
        events = [event async for event in workbench.watch(run.id)]
        assert isinstance(events[-1].body, Cancelled)
        with pytest.raises(Conflict, match="cancelled"):
            await workbench.decide(run.id, approved=True)


async def test_a_run_with_tools_can_be_cancelled_while_a_tool_works(open_workbench: Any) -> None:
    slow = ScriptedTool("write", done, permission="write", seconds=60)
    async with open_workbench(writing, slow) as workbench:
        run = await workbench.start(asking("Write this.", "write", approval="grant"))
        while not slow.asked:
            await asyncio.sleep(0.001)
        assert await workbench.cancel(run.id)
        events = [event async for event in workbench.watch(run.id)]
    assert isinstance(events[-1].body, Cancelled)
    assert events[-1].body.usage is not None
    assert events[-1].body.usage.completion_tokens > 0


async def test_nobody_is_asked_about_a_call_whose_arguments_do_not_fit(open_workbench: Any) -> None:
    def misfitting(prompt: str) -> str:
        return "I see." if "<tool_response>" in prompt else call("write", texts="this")

    tool = writer()
    async with open_workbench(misfitting, tool) as workbench:
        events = await followed(workbench, asking("Write this.", "write"))
    assert tool.asked == []
    (ended,) = bodies(events, CallEnded)
    assert ended.error
    assert text_of(events) == "I see."


async def test_a_workbench_that_closes_leaves_a_run_with_tools_to_be_taken_up(open_workbench: Any) -> None:
    slow = ScriptedTool("write", done, permission="write", seconds=60)
    async with open_workbench(writing, slow) as workbench:
        run = await workbench.start(asking("Write this.", "write", approval="grant"))
        while not slow.asked:
            await asyncio.sleep(0.001)
        runs = workbench.runs
    stored = await runs.get(run.id)
    assert stored is not None
    assert stored.state == "paused"
    last = (await runs.events(run.id))[-1].body
    assert isinstance(last, Paused)
    assert last.reason == "interrupted"


async def test_the_settings_may_grant_a_folder_to_runs_that_name_none(open_workbench: Any, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "notes.txt").write_text("Meeting at noon.", encoding="utf-8")

    def reply(prompt: str) -> str:
        return "I read it." if "Meeting at noon." in prompt else call("read_file", path="notes.txt")

    plugins = (("calls", function_calls), ("agents", agents), ("tools", tools))
    settings = {"tools": {"folder": tmp_path / "shared"}}
    async with tool_workbench(tmp_path, reply, plugins=plugins, **settings) as workbench:
        events = await followed(workbench, asking("Read notes.txt.", "read_file"))
    assert text_of(events) == "I read it."
