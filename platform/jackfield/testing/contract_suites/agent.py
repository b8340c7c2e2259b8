"""The agent's promises, for any implementation of `jackfield.contracts.agents.Agent`."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield.contracts.agents import Agent
from jackfield.contracts.registration import Provided
from jackfield.contracts.runs import RunLimits, RunRecord, RunRequest, ToolUse
from jackfield.contracts.tools import Tool
from jackfield.events import (
    Answered,
    CallEnded,
    CallStarted,
    Cancelled,
    Failed,
    Finished,
    Paused,
    Rewritten,
    RunEvent,
    TextDelta,
)
from jackfield.hookspecs import hookimpl
from jackfield.identifiers import new_identifier
from jackfield.messages import Call, Message
from jackfield.testing.scripted_tools import ScriptedTool
from jackfield.testing.tool_runs import bodies, tool_workbench
from jackfield.workbench import Workbench

Plugins = tuple[tuple[str, object], ...]
TASK = "Look at a, and note b."
FROM_ANY_POINT = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WAIT = 10
"""Seconds that a run is given to end."""


class AgentPlugin:
    """Registers one agent."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    @hookimpl
    def jackfield_agents(self) -> list[Provided[Agent]]:
        """The agent it was made with."""
        return [Provided(self._agent.name, lambda: self._agent)]


class AgentContract:
    """Override `agent`, `reply` and `plugins`; and `tools`, where the agent calls others than `look` and `note`."""

    @pytest.fixture
    def agent(self) -> Agent:
        """The agent."""
        raise NotImplementedError("override `agent` with a fixture that gives the agent")

    @pytest.fixture
    def reply(self) -> Callable[[str], str]:
        """What a model answers to this agent's prompts, so that it calls all tools that there are and then ends.

        A pure function that knows an answer to every prompt, the task without tools included.
        """
        raise NotImplementedError("override `reply` with a fixture that gives a function from prompt to answer")

    @pytest.fixture
    def plugins(self) -> Plugins:
        """Names and plugins, of which one brings the call protocol `native`."""
        raise NotImplementedError("override `plugins` with a fixture that gives the plugins that runs need")

    @pytest.fixture
    def tools(self) -> Callable[[], Sequence[ScriptedTool]]:
        """Makes the tools that the model will call: one that reads and one that has an effect."""
        return look_and_note

    @pytest.fixture
    def world(
        self,
        agent: Agent,
        reply: Callable[[str], str],
        plugins: Plugins,
        tools: Callable[[], Sequence[ScriptedTool]],
        tmp_path: Path,
    ) -> World:
        """Everything that a run of the agent needs."""
        return World(agent, reply, plugins, tools, tmp_path)

    def test_its_name_can_be_typed(self, agent: Agent) -> None:
        assert agent.name == agent.name.strip().lower()
        assert " " not in agent.name

    async def test_it_ends_by_itself_where_there_is_nothing_to_call(self, world: World) -> None:
        async with world.opened(()) as workbench:
            events = await _followed(workbench, world.request())
        assert isinstance(events[-1].body, Finished), events[-1].body
        assert told(events)

    async def test_it_works_without_a_folder_or_says_in_a_sentence_why_not(self, world: World) -> None:
        tools = world.tools()
        async with world.opened(tools) as workbench:
            events = await _followed(workbench, world.request(tools))
        end = events[-1].body
        assert isinstance(end, Finished) or (isinstance(end, Failed) and end.message.strip().endswith((".", "?")))

    async def test_it_calls_and_ends(self, world: World) -> None:
        finished = await world.finished()
        assert isinstance(finished[-1].body, Finished), finished[-1].body
        assert bodies(finished, CallEnded)
        assert told(finished)

    async def test_it_keeps_nothing_from_one_run_for_the_next(self, world: World) -> None:
        tools = world.tools()
        async with world.opened(tools) as workbench:
            request = world.request(tools, folder=world.folder)
            one, other = await asyncio.gather(_followed(workbench, request), _followed(workbench, request))
            after = await _followed(workbench, request)
        assert told(one) == told(other) == told(after)
        assert effects(one) == effects(other) == effects(after)

    async def test_it_is_stopped_by_the_runs_limits(self, world: World) -> None:
        tools = world.tools()
        async with world.opened(tools) as workbench:
            request = world.request(tools, folder=world.folder)
            limited = msgspec.structs.replace(request, limits=RunLimits(steps=1))
            events = await _followed(workbench, limited)
        assert len(bodies(events, Answered)) == 1
        end = events[-1].body
        assert isinstance(end, Finished) or (isinstance(end, Failed) and end.code == "limit_reached")

    async def test_it_can_be_cancelled_while_a_tool_works(self, world: World) -> None:
        tools = world.tools()
        for tool in tools:
            tool.seconds = 60.0
        async with world.opened(tools) as workbench:
            run = await workbench.start(world.request(tools, folder=world.folder))
            async with asyncio.timeout(WAIT):
                events = []
                async for event in workbench.watch(run.id):
                    events.append(event)
                    if isinstance(event.body, CallStarted):
                        await workbench.cancel(run.id)
        assert isinstance(events[-1].body, Cancelled), events[-1].body

    @FROM_ANY_POINT
    @given(point=st.integers(0, 999))
    def test_a_run_taken_up_from_any_point_ends_as_if_it_had_not_been_interrupted(
        self, world: World, point: int
    ) -> None:
        """Its text is the same, and what was done before is not done again; `point` is in thousandths of its events."""
        finished = world.finished_once()
        record = finished[: point * len(finished) // 1000]
        events, done = asyncio.run(world.taken_up(record))
        assert isinstance(events[-1].body, Finished), events[-1].body
        assert told(events) == told(finished)
        assert done == effects(finished) - effects(record)
        assert effects(events) == effects(finished)


def look_and_note() -> tuple[ScriptedTool, ScriptedTool]:
    """A tool that reads and one that has an effect, each of a `text`."""
    return (
        ScriptedTool("look", lambda arguments: f"seen {arguments['text']}"),
        ScriptedTool("note", lambda arguments: f"noted {arguments['text']}", permission="write"),
    )


class World:
    """An agent with its model and tools, in a place of its own."""

    def __init__(
        self,
        agent: Agent,
        reply: Callable[[str], str],
        plugins: Plugins,
        tools: Callable[[], Sequence[ScriptedTool]],
        place: Path,
    ) -> None:
        self.agent = agent
        self.tools = tools
        self.folder = place / "granted"
        self.folder.mkdir()
        self._reply = reply
        self._plugins = plugins
        self._home = place / "home"
        self._finished: tuple[RunEvent, ...] = ()

    @asynccontextmanager
    async def opened(self, tools: Sequence[Tool]) -> AsyncIterator[Workbench]:
        """A workbench with the agent and these tools."""
        plugins = (*self._plugins, ("agent", AgentPlugin(self.agent)))
        async with tool_workbench(self._home, self._reply, *tools, plugins=plugins) as workbench:
            yield workbench

    def request(self, tools: Iterable[ScriptedTool] = (), *, folder: Path | None = None) -> RunRequest:
        """The agent's task; with all permissions where there are tools."""
        names = tuple(tool.description.name for tool in tools)
        use = ToolUse(names=names, protocol="native", approval="grant", folder=str(folder) if folder else None)
        task = (Message.of("user", TASK),)
        return RunRequest(model="", messages=task, agent=self.agent.name, tools=use if names else None)

    async def finished(self) -> tuple[RunEvent, ...]:
        """The events of a run that nobody interrupted."""
        tools = self.tools()
        async with self.opened(tools) as workbench:
            return await _followed(workbench, self.request(tools, folder=self.folder))

    def finished_once(self) -> tuple[RunEvent, ...]:
        """The same, of one run that is kept."""
        self._finished = self._finished or asyncio.run(self.finished())
        return self._finished

    async def taken_up(self, record: Sequence[RunEvent]) -> tuple[tuple[RunEvent, ...], Counter[str]]:
        """All events of a run that goes on from a record, and the calls that its tools were asked for from there."""
        tools = self.tools()
        request = msgspec.structs.replace(self.request(tools, folder=self.folder), model="scripted")
        run = RunRecord(id=new_identifier("run"), request=request, state="paused", created_at=datetime.now(UTC))
        history = [msgspec.structs.replace(event, run_id=run.id) for event in record]
        pause = Paused(reason="interrupted")
        history.append(RunEvent(run_id=run.id, number=len(history) + 1, at=datetime.now(UTC), body=pause))
        async with self.opened(tools) as workbench:
            await workbench.runs.add(run)
            await workbench.runs.append(run.id, history)
            await workbench.resume(run.id)
            events = await _watched(workbench, run.id)
        asked = [(tool.description.name, arguments) for tool in tools for arguments in tool.asked]
        return events, Counter(_effect(name, arguments) for name, arguments in asked)


def told(events: Iterable[RunEvent]) -> str:
    """The answer as whoever follows the events has it at their end."""
    text = ""
    for event in events:
        match event.body:
            case TextDelta(text=more):
                text += more
            case Rewritten(keeps=keeps):
                text = text[:keeps]
    return text


def effects(events: Sequence[RunEvent]) -> Counter[str]:
    """The calls that came to an end, by what they do."""
    calls: list[Call] = [ended.call for ended in bodies(events, CallEnded)]
    return Counter(_effect(call.tool, call.arguments) for call in calls)


def _effect(tool: str, arguments: object) -> str:
    return f"{tool} {json.dumps(arguments, sort_keys=True)}"


async def _followed(workbench: Workbench, request: RunRequest) -> tuple[RunEvent, ...]:
    run = await workbench.start(request)
    return await _watched(workbench, run.id)


async def _watched(workbench: Workbench, run_id: str) -> tuple[RunEvent, ...]:
    async with asyncio.timeout(WAIT):
        return tuple([event async for event in workbench.watch(run_id)])
