"""Plain answers whose worker is gone, performed from their record: one answer in the end, told once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jackfield.contracts.executors import ExecutorFactory
from jackfield.contracts.records import StateStore
from jackfield.contracts.registration import Provided
from jackfield.contracts.runs import RunRecord, RunRequest, ToolUse
from jackfield.contracts.tools import ToolDescription
from jackfield.errors import RunInterrupted
from jackfield.events import (
    CallEnded,
    CallOpened,
    Cancelled,
    Finished,
    Queued,
    Resumed,
    RunEvent,
    RunEventBody,
    Started,
    TextDelta,
)
from jackfield.hookspecs import hookimpl
from jackfield.jobs.inline import InlineExecutor
from jackfield.messages import Message
from jackfield.runs.agent_work import resumable
from jackfield.runs.lifecycle import RunControl, RunLifecycle
from jackfield.settings import Settings
from jackfield.testing.contract_suites.records_made import a_run, numbered
from jackfield.testing.scripted_engine import ScriptedEngine, Timing, answering, endless, replying
from jackfield.testing.scripted_tools import ScriptedTool, ScriptedTools
from jackfield.testing.temporary_workbench import temporary_workbench
from jackfield.testing.tool_runs import ROOMY, asking, call
from jackfield_plugins.agents import plugin as agents
from jackfield_plugins.function_calls import plugin as function_calls

TEXT = "A naïve 🙂 answer, told once."


class Kept:
    """The inline executor, whose lifecycle is kept for the test."""

    lifecycle: RunLifecycle

    @hookimpl
    def jackfield_executors(self) -> list[Provided[ExecutorFactory]]:
        return [Provided("kept", lambda: self._made)]

    def _made(self, lifecycle: RunLifecycle, store: StateStore, settings: Settings) -> InlineExecutor:
        self.lifecycle = lifecycle
        return InlineExecutor(lifecycle, store, settings)


@asynccontextmanager
async def living(
    folder: Path, make_engine: Callable[[], ScriptedEngine], *plugins: tuple[str, object]
) -> AsyncIterator[RunLifecycle]:
    kept = Kept()
    executing = {"runs": {"executor": "kept"}}
    async with temporary_workbench(folder, make_engine, plugins=(("kept", kept), *plugins), **executing):
        yield kept.lifecycle


def a_chat(**fields: Any) -> RunRecord:
    request = RunRequest(model="scripted", messages=(Message.of("user", "hi"),), **fields)
    return msgspec.structs.replace(a_run(state="running"), request=request)


async def performed(
    lifecycle: RunLifecycle,
    run: RunRecord,
    history: Sequence[RunEvent] = (),
    *,
    until: int = 10_000,
    control: RunControl | None = None,
) -> list[RunEventBody]:
    """What a worker tells, which is gone after so many events."""
    bodies: list[RunEventBody] = []
    async with aclosing(lifecycle.perform(run, control or RunControl(resumable=True), history)) as events:
        async for body in events:
            bodies.append(body)
            if len(bodies) >= until:
                break
    return bodies


def text_of(bodies: Sequence[RunEventBody]) -> str:
    return "".join(body.text for body in bodies if isinstance(body, TextDelta))


@pytest.mark.parametrize("until", [1, 2, 3, 9, 24, 29])
async def test_an_answer_is_taken_up_where_its_record_ends(tmp_path: Path, until: int) -> None:
    run = a_chat(logprobs=1)
    async with living(tmp_path / "a", partial(ScriptedEngine, replying(TEXT))) as lifecycle:
        whole = await performed(lifecycle, run)
        begun = await performed(lifecycle, run, until=until)
    history = numbered(run.id, begun)
    async with living(tmp_path / "b", partial(ScriptedEngine, replying(TEXT))) as lifecycle:
        rest = await performed(lifecycle, run, history)
    assert [type(body) for body in rest[:2]] == [Resumed, Started if until < 2 else TextDelta]
    told = [*begun, *rest]
    assert text_of(told) == TEXT
    assert [body for body in told if not isinstance(body, Resumed)][:-1] == whole[:-1]
    assert sum(isinstance(body, Started) for body in told) == 1
    last, undisturbed = told[-1], whole[-1]
    assert isinstance(last, Finished)
    assert isinstance(undisturbed, Finished)
    assert (last.reason, last.usage.total_tokens) == (undisturbed.reason, undisturbed.usage.total_tokens)


async def test_an_answer_is_taken_up_as_often_as_its_worker_dies(tmp_path: Path) -> None:
    run = a_chat(sampling={"temperature": 5.0, "seed": 7, "frequency_penalty": 1.0}, max_tokens=60)
    async with living(tmp_path, partial(ScriptedEngine, endless)) as lifecycle:
        whole = await performed(lifecycle, run)
        told: list[RunEventBody] = []
        while not told or not isinstance(told[-1], Finished):
            told += await performed(lifecycle, run, numbered(run.id, told), until=5)
    assert text_of(told) == text_of(whole)
    assert sum(isinstance(body, Resumed) for body in told) > 5


async def test_only_who_asks_for_it_has_tokens_on_record(tmp_path: Path) -> None:
    async with living(tmp_path, partial(ScriptedEngine, replying(TEXT))) as lifecycle:
        told = await performed(lifecycle, a_chat(), control=RunControl())
    assert not any(body.ids for body in told if isinstance(body, TextDelta))
    assert not resumable(a_chat().request, numbered("run", told))


async def test_an_answer_without_its_tokens_is_not_taken_up(tmp_path: Path) -> None:
    run = a_chat()
    history = numbered(run.id, [Queued(model="scripted"), TextDelta(text="A na", tokens=4)])
    async with living(tmp_path, partial(ScriptedEngine, replying(TEXT))) as lifecycle:
        with pytest.raises(RunInterrupted, match="ask again"):
            await performed(lifecycle, run, history)


async def test_an_answer_of_a_model_that_was_replaced_is_not_taken_up(tmp_path: Path) -> None:
    run = a_chat()
    history = numbered(run.id, [Queued(model="scripted"), TextDelta(text="A", tokens=1, ids=(9000,))])
    async with living(tmp_path, partial(ScriptedEngine, replying(TEXT))) as lifecycle:
        with pytest.raises(RunInterrupted):
            await performed(lifecycle, run, history)


async def test_a_run_is_handed_back_between_two_tokens(tmp_path: Path) -> None:
    run, control, told = a_chat(stop=("told once, twice",)), RunControl(resumable=True), list[RunEventBody]()
    slow = partial(ScriptedEngine, replying(TEXT), timing=Timing(per_pass=0.002))
    async with living(tmp_path, slow) as lifecycle:
        async for body in lifecycle.perform(run, control):
            told.append(body)
            if text_of(told).endswith("answer, "):
                control.hand_back()
        assert text_of(told) == "A naïve 🙂 answer, "
        rest = await performed(lifecycle, run, numbered(run.id, told))
    assert text_of([*told, *rest]) == TEXT
    assert isinstance(rest[-1], Finished)


@pytest.mark.parametrize("asked_after", ["the first event", "half a pass"])
async def test_a_run_that_has_not_begun_to_write_is_handed_back_at_once(tmp_path: Path, asked_after: str) -> None:
    slow = partial(ScriptedEngine, replying(TEXT), timing=Timing(per_pass=0.2))
    async with living(tmp_path, slow) as lifecycle:

        async def handed_back() -> list[RunEventBody]:
            control, told = RunControl(resumable=True), list[RunEventBody]()
            if asked_after == "half a pass":
                asyncio.get_running_loop().call_later(0.1, control.hand_back)
            async for body in lifecycle.perform(a_chat(), control):
                told.append(body)
                if asked_after == "the first event":
                    control.hand_back()
            assert not control.stopped
            return told

        told = await asyncio.create_task(handed_back())
    assert not any(isinstance(body, TextDelta | Cancelled | Finished) for body in told)


async def test_a_run_is_handed_back_while_its_model_is_loaded(tmp_path: Path) -> None:
    loading = asyncio.Event()
    loop = asyncio.get_running_loop()

    def engine() -> ScriptedEngine:
        loop.call_soon_threadsafe(loading.set)
        time.sleep(0.2)
        return ScriptedEngine(replying(TEXT))

    async with living(tmp_path, engine) as lifecycle:
        controls: list[RunControl] = []

        async def performing() -> list[RunEventBody]:
            controls.append(RunControl(resumable=True))
            return await performed(lifecycle, a_chat(), control=controls[0])

        task = asyncio.create_task(performing())
        await asyncio.wait_for(loading.wait(), 20)
        controls[0].hand_back()
        assert [type(body) for body in await task] == [Queued]
        assert task.cancelling() == 0


async def test_who_is_being_stopped_is_not_handed_back(tmp_path: Path) -> None:
    control, told = RunControl(resumable=True), list[RunEventBody]()
    async with living(tmp_path, partial(ScriptedEngine, endless, timing=Timing(per_pass=0.001))) as lifecycle:
        async for body in lifecycle.perform(a_chat(max_tokens=300), control):
            told.append(body)
            if isinstance(body, TextDelta):
                control.stop()
                control.hand_back()
    assert isinstance(told[-1], Cancelled)


async def test_a_run_with_tools_is_handed_back_and_calls_nothing_twice(tmp_path: Path) -> None:
    look = ScriptedTool("look", lambda arguments: "seen", seconds=0.01)

    def reply(prompt: str) -> str:
        return "Done, and told." if "<tool_response>" in prompt else call("look", text="this")

    slow = partial(ScriptedEngine, answering(reply), limits=ROOMY, timing=Timing(per_pass=0.001))
    plugins = (("agents", agents), ("calls", function_calls), ("tools", ScriptedTools(look)))
    run = msgspec.structs.replace(
        a_run(state="running"), request=msgspec.structs.replace(asking("Look.", "look"), model="scripted")
    )
    control, told = RunControl(resumable=True), list[RunEventBody]()
    async with living(tmp_path, slow, *plugins) as lifecycle:
        async for body in lifecycle.perform(run, control):
            told.append(body)
            if text_of(told) == "Done":
                control.hand_back()
        assert not any(isinstance(body, Finished | Cancelled) for body in told)
        rest = await performed(lifecycle, run, numbered(run.id, told))
    both = [*told, *rest]
    assert text_of(both) == "Done, and told."
    assert sum(isinstance(body, CallEnded) for body in both) == 1
    assert len(look.asked) == 1
    assert isinstance(both[-1], Finished)


async def test_a_call_that_was_told_of_to_its_caller_is_not_written_anew(tmp_path: Path) -> None:
    tool = ToolDescription(name="look", description="Looks.", parameters={"type": "object", "properties": {}})
    run = a_chat(tools=ToolUse(callers=(tool,)))
    history = numbered(run.id, [Queued(model="scripted"), CallOpened(call="call_1", tool="look")])
    async with living(tmp_path, partial(ScriptedEngine, replying(TEXT)), ("calls", function_calls)) as lifecycle:
        with pytest.raises(RunInterrupted):
            await performed(lifecycle, run, history)
