"""Runs that are taken up again: nothing is asked twice, lost or told twice, whoever else does so at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import pytest

from jackfield.contracts.agents import Agent, AgentHost
from jackfield.contracts.guards import PASSES, Guard, Plan, Verdict
from jackfield.contracts.registration import Provided
from jackfield.contracts.runs import RunLimits, RunRecord, RunState
from jackfield.contracts.tools import ArgumentPart, ToolDescription, ToolResult
from jackfield.errors import Conflict, JackfieldError
from jackfield.events import (
    CallEnded,
    CallWritten,
    Cancelled,
    Decided,
    Finished,
    FinishReason,
    Noted,
    Paused,
    Queued,
    Resumed,
    RunEvent,
    RunEventBody,
    Usage,
)
from jackfield.hookspecs import hookimpl
from jackfield.jobs.inline import InlineExecutor
from jackfield.messages import Call, Message, Span
from jackfield.runs.event_flow import EventFlow
from jackfield.runs.lifecycle import RunControl, RunLifecycle
from jackfield.runs.meter import RunMeter
from jackfield.runs.replay import Replay
from jackfield.runs.told_text import ToldText
from jackfield.settings import load_settings
from jackfield.testing.contract_suites.records_made import a_run, numbered
from jackfield.testing.memory_store import InMemoryRuns, InMemoryStateStore
from jackfield.testing.scripted_tools import ScriptedTool
from jackfield.testing.tool_runs import asking, bodies, call
from jackfield.workbench import Workbench

WRITE = Call(identifier="call_1", tool="write", arguments={"text": "this"})


def history(*happened: RunEventBody) -> list[RunEvent]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return [RunEvent(run_id="run", number=number, at=at, body=body) for number, body in enumerate(happened, 1)]


def test_a_decision_stays_for_the_call_that_it_was_made_on() -> None:
    """The first of two equal calls was run unasked, the second waited for somebody."""
    replay = Replay(
        history(
            CallEnded(call=WRITE, text="wrote"),
            Paused(reason="approval"),
            Decided(call=WRITE, approved=True),
        )
    )
    assert replay.result(WRITE) is not None
    assert replay.result(WRITE) is None
    decided = replay.decision(WRITE)
    assert decided is not None
    assert decided.approved


def test_a_decision_that_was_carried_out_is_used_up() -> None:
    replay = Replay(history(Decided(call=WRITE, approved=True), CallEnded(call=WRITE, text="wrote")))
    assert replay.result(WRITE) is not None
    assert replay.decision(WRITE) is None


async def told(before: str, *texts: str) -> list[RunEventBody]:
    flow = EventFlow()
    text = ToldText(flow, before)
    for each in texts:
        text.tell(each)
    text.finish()
    work = asyncio.create_task(asyncio.sleep(0))
    return [body async for body in flow.bodies(work)]


async def test_text_that_is_shorter_when_told_again_takes_the_rest_back() -> None:
    bodies_told = await told("I write. And more.", "I write.")
    assert len(bodies_told) == 1
    replay = Replay(history(*bodies_told))
    assert getattr(bodies_told[0], "keeps", None) == len("I write.")
    assert replay.told == ""
    assert await told("I write.", "I ", "write.") == []


def test_only_the_time_in_which_a_run_was_worked_on_counts() -> None:
    bodies_at = [(0, Noted(text="a")), (5, Paused(reason="approval")), (500, Decided(call=WRITE, approved=True))]
    bodies_at += [(501, Resumed()), (504, Noted(text="b")), (9000, Paused(reason="interrupted")), (9500, Resumed())]
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    events = [
        RunEvent(run_id="run", number=number, at=noon + timedelta(seconds=seconds), body=body)
        for number, (seconds, body) in enumerate(bodies_at, 1)
    ]
    worked = Replay(events).seconds
    assert worked == 5 + 3
    left = RunMeter(RunLimits(seconds=8), worked=worked).seconds_left
    assert left == 0


class Watched:
    """A streaming tool that remembers whether it was told to undo what it began."""

    def __init__(self) -> None:
        self.description = ToolDescription(
            name="look",
            description="Looks.",
            parameters={"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
        )
        self.begun = self.aborted = 0

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        return ToolResult(text="seen")

    async def begin(self) -> str:
        self.begun += 1
        return "one"

    async def feed(self, call: str, part: ArgumentPart) -> None: ...

    async def finish(self, call: str, arguments: Mapping[str, Any]) -> ToolResult:
        return await self.call(arguments)

    async def abort(self, call: str) -> None:
        self.aborted += 1


class Pondering:
    """A guard that never comes to a verdict."""

    name = "pondering"

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    def span(self, span: Span) -> Verdict:
        return PASSES

    async def call(self, call: Call, tool: ToolDescription, *, caused_by: Sequence[Span], plan: Plan) -> Verdict:
        self.asked.set()
        await asyncio.sleep(60)
        return PASSES

    @hookimpl
    def jackfield_guards(self) -> list[Provided[Guard]]:
        return [Provided(self.name, lambda: self)]


def with_plugin(open_workbench: Any, name: str, plugin: object) -> Any:
    return partial(
        open_workbench.func, *open_workbench.args, plugins=(*open_workbench.keywords["plugins"], (name, plugin))
    )


async def test_what_was_begun_is_undone_when_a_run_ends_before_a_guard_has_judged(open_workbench: Any) -> None:
    guard, tool = Pondering(), Watched()
    opened = with_plugin(open_workbench, "pondering", guard)
    async with opened(lambda prompt: call("look", text="a\nb"), tool, per_pass=0.001) as workbench:
        run = await workbench.start(asking("Look.", "look"))
        await asyncio.wait_for(guard.asked.wait(), 20)
        await workbench.cancel(run.id)
        [event async for event in workbench.watch(run.id)]
    assert (tool.begun, tool.aborted) == (1, 1)


class Spreading:
    """An agent whose one step needs approval, while another begins a third when it is done."""

    name = "spreading"

    async def work(self, task: Sequence[Message], host: AgentHost) -> FinishReason:
        async with asyncio.TaskGroup() as group:

            async def looking() -> None:
                await host.call("look", {"text": "a"})
                group.create_task(host.call("send", {"text": "b"}, caused_by=()))

            group.create_task(looking())
            group.create_task(host.call("write", {"text": "c"}))
        return "stop"

    @hookimpl
    def jackfield_agents(self) -> list[Provided[Agent]]:
        return [Provided(self.name, Spreading)]


async def until_paused(workbench: Workbench, run_id: str) -> None:
    async with asyncio.timeout(20):
        while (await workbench.run(run_id)).state != "paused":
            await asyncio.sleep(0.001)


async def test_nothing_begins_once_a_run_is_to_be_paused(open_workbench: Any) -> None:
    look = ScriptedTool("look", lambda arguments: "seen", seconds=0.05)
    send = ScriptedTool("send", lambda arguments: "sent", permission="network", seconds=0.05)
    write = ScriptedTool("write", lambda arguments: "wrote", permission="write")
    opened = with_plugin(open_workbench, "spreading", Spreading())
    async with opened(lambda prompt: "", look, send, write) as workbench:
        request = asking("Go.", "look", "send", "write", agent="spreading", allowed=("network",))
        run = await workbench.start(request)
        await until_paused(workbench, run.id)
        begun, ended = len(send.asked), len(bodies(await workbench.runs.events(run.id), CallEnded))
        assert ended == 1 + begun
        await workbench.decide(run.id, approved=True)
        events = [event async for event in workbench.watch(run.id)]
    assert isinstance(events[-1].body, Finished)
    assert (len(look.asked), len(send.asked), len(write.asked)) == (1, 1, 1)


class Journeys:
    """The lifecycle of runs that do what their test says when it says so."""

    def __init__(self, *told: RunEventBody, goes_on: asyncio.Event | None = None) -> None:
        self._told = told
        self._goes_on = goes_on
        self.performed = 0

    async def perform(
        self, run: RunRecord, control: RunControl, history: Sequence[RunEvent] = ()
    ) -> AsyncGenerator[RunEventBody]:
        self.performed += 1
        yield Resumed() if history else Queued(model="scripted")
        if self._goes_on:
            await self._goes_on.wait()
        for body in self._told:
            yield body


class SlowRuns(InMemoryRuns):
    """Runs that take their time to be marked as paused."""

    async def set_state(self, run_id: str, state: RunState, **how: Any) -> None:
        await super().set_state(run_id, state, **how)
        if state == "paused":
            await asyncio.sleep(0.05)


def executor(records: InMemoryRuns, journeys: Journeys) -> InlineExecutor:
    store = InMemoryStateStore()
    store.runs = records
    return InlineExecutor(cast("RunLifecycle", journeys), store, load_settings())


async def paused_run(records: InMemoryRuns) -> RunRecord:
    run = a_run(state="paused")
    await records.add(run)
    await records.append(run.id, numbered(run.id, [Queued(model="scripted"), Paused(reason="interrupted")]))
    return run


FINISHED = Finished(reason="stop", usage=Usage(prompt_tokens=3, completion_tokens=6))


async def test_a_run_can_be_taken_up_the_moment_that_it_is_on_record_as_paused() -> None:
    records = SlowRuns()
    run = a_run(state="queued")
    await records.add(run)
    first = executor(records, Journeys(Paused(reason="approval")))
    await first.submit(run)
    while (await records.get(run.id)).state != "paused":  # type: ignore[union-attr]
        await asyncio.sleep(0)
    await first.submit(run, await records.events(run.id))
    await first.close()


async def test_a_run_that_two_processes_take_up_is_executed_by_one_of_them() -> None:
    records = InMemoryRuns()
    run = await paused_run(records)
    history = await records.events(run.id)
    hold = asyncio.Event()
    ours, theirs = executor(records, Journeys(FINISHED, goes_on=hold)), executor(records, Journeys(FINISHED))
    await ours.submit(run, history)
    await theirs.submit(run, history)
    watching = asyncio.create_task(_all_of(theirs, run.id))
    await asyncio.sleep(0.05)
    hold.set()
    seen = await asyncio.wait_for(watching, 20)
    assert [type(event.body) for event in seen] == [Queued, Paused, Resumed, Finished]
    assert list(await records.events(run.id)) == seen
    assert (await records.get(run.id)).state == "finished"  # type: ignore[union-attr]


async def test_a_run_that_has_ended_since_it_was_read_stays_ended() -> None:
    records = InMemoryRuns()
    run = await paused_run(records)
    history = await records.events(run.id)
    await executor(records, Journeys(FINISHED)).submit(run, history)
    await asyncio.sleep(0.05)
    late = executor(records, Journeys(FINISHED))
    await late.submit(run, history)
    await asyncio.sleep(0.05)
    stored = await records.get(run.id)
    assert stored is not None
    assert (stored.state, stored.usage) == ("finished", FINISHED.usage)


async def _all_of(executor: InlineExecutor, run_id: str) -> list[RunEvent]:
    return [event async for event in executor.watch(run_id)]


async def test_who_decides_on_an_interrupted_run_is_told_to_resume_it(open_workbench: Any) -> None:
    async with open_workbench(lambda prompt: "Done.") as workbench:
        run = await paused_run(workbench.runs)
        with pytest.raises(Conflict, match="waits for no approval; resume it"):
            await workbench.decide(run.id, approved=True)


async def test_who_decides_second_on_a_call_is_told_so(open_workbench: Any) -> None:
    def writing(prompt: str) -> str:
        return "Done." if "<tool_response>" in prompt else call("write", text="this")

    write = ScriptedTool("write", lambda arguments: "wrote", permission="write")
    async with open_workbench(writing, write) as workbench:
        run = await workbench.start(asking("Write.", "write"))
        await until_paused(workbench, run.id)
        both = [workbench.decide(run.id, approved=True), workbench.decide(run.id, approved=False)]
        outcomes = await asyncio.gather(*both, return_exceptions=True)
        events = [event async for event in workbench.watch(run.id)]
    assert [isinstance(outcome, JackfieldError) for outcome in outcomes].count(True) == 1
    assert isinstance(events[-1].body, Finished)
    assert len(bodies(events, Decided)) == 1
    assert len(write.asked) == sum(decided.approved for decided in bodies(events, Decided))


async def test_a_run_that_is_cancelled_while_it_is_being_paused_does_not_wait_for_anybody(open_workbench: Any) -> None:
    def writing(prompt: str) -> str:
        return call("write", text="this")

    write = ScriptedTool("write", lambda arguments: "wrote", permission="write")
    async with open_workbench(writing, write) as workbench:
        for steps in range(40):
            run = await workbench.start(asking("Write.", "write"))
            while not any(isinstance(event.body, CallWritten) for event in await workbench.runs.events(run.id)):
                await asyncio.sleep(0)
            for _ in range(steps):
                await asyncio.sleep(0)
            assert await workbench.cancel(run.id)
            events = await asyncio.wait_for(_all_of(workbench._executor, run.id), 20)  # type: ignore[arg-type]
            assert isinstance(events[-1].body, Cancelled)
            assert (await workbench.run(run.id)).state == "cancelled"
