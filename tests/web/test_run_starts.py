"""Runs that are started for themselves, listed, and decided on; and the list of tools."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import pytest

from jackfield.contracts.engine import EngineLimits
from jackfield.contracts.registration import Provided
from jackfield.contracts.tools import Tool, ToolDescription, ToolResult, ToolSource
from jackfield.errors import Unavailable
from jackfield.events import Paused, TextDelta
from jackfield.hookspecs import hookimpl
from jackfield.testing.scripted_engine import ScriptedEngine, answering
from jackfield_plugins.agents import plugin as agents
from jackfield_plugins.function_calls import plugin as function_calls

ROOMY = EngineLimits(context_length=8192, cells=32768, sequences=16, batch_tokens=512)
DOOR = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


class Door:
    """A tool that needs permission."""

    description = ToolDescription(name="door", description="Opens a door.", parameters=DOOR, permission="execute")

    def __init__(self) -> None:
        self.opened: list[str] = []

    async def call(self, arguments: Any) -> ToolResult:
        self.opened.append(arguments["name"])
        return ToolResult(text=f"the {arguments['name']} door is open")


class Unreachable:
    """A source whose server is gone."""

    async def tools(self) -> tuple[Tool, ...]:
        raise Unavailable("The server of the garage does not answer.")

    async def close(self) -> None:
        """Nothing is held."""


class House:
    """A plugin that brings a door, and a garage that cannot be reached."""

    def __init__(self) -> None:
        self.door = Door()

    @hookimpl
    def jackfield_tools(self) -> list[Provided[Tool]]:
        return [Provided("door", lambda: self.door)]

    @hookimpl
    def jackfield_tool_sources(self) -> list[Provided[ToolSource]]:
        return [Provided("garage", Unreachable)]


def opening(prompt: str) -> str:
    """Opens two doors at once, and tells what became of it."""
    calls = [{"name": "door", "arguments": {"name": name}} for name in ("front", "back")]
    if "<|start|>tool" not in prompt and "tool_response" not in prompt:
        return "\n".join(f"<tool_call>\n{json.dumps(call)}\n</tool_call>" for call in calls)
    opened = [name for name in ("front", "back") if f"the {name} door is open" in prompt]
    return f"Open: {', '.join(opened) or 'none'}."


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def at_home(serving: Any, house: House) -> Callable[[], AbstractAsyncContextManager[Any]]:
    """`async with at_home() as served`: a model that opens doors."""
    plugins = (("function_calls", function_calls), ("agents", agents), ("house", house))
    return partial(serving, lambda: ScriptedEngine(answering(opening), limits=ROOMY), plugins=plugins)


async def started(served: Any, **fields: Any) -> str:
    """A run of the doors' agent; its identifier."""
    body = {"task": "Open both doors.", "tools": ["door"], "temperature": 0, **fields}
    response = await served.client.post("/api/runs", json=body)
    assert response.status_code == 201, response.text
    assert response.headers["location"] == f"/api/runs/{response.json()['id']}"
    return str(response.json()["id"])


async def text_of(served: Any, run_id: str) -> str:
    """What a run wrote, once it has ended."""
    bodies = [event.body async for event in served.workbench.watch(run_id)]
    return "".join(body.text for body in bodies if isinstance(body, TextDelta))


async def waiting_calls(served: Any, run_id: str) -> dict[str, str]:
    """The calls that a run waits for, once it does: identifiers by the door."""
    await served.state_of(run_id, "paused")
    events = await served.workbench.runs.events(run_id)
    return {
        pending.call.arguments["name"]: pending.call.identifier
        for event in events
        if isinstance(event.body, Paused)
        for pending in event.body.calls
    }


async def test_a_run_is_started_and_needs_no_reader(at_home: Any, house: House) -> None:
    async with at_home() as served:
        run_id = await started(served, agent="tool-loop", model="scripted", allow=["execute"], limits={"steps": 5})
        assert await served.state_of(run_id, "finished", "failed") == "finished"
        record = (await served.client.get(f"/api/runs/{run_id}")).json()
        assert await text_of(served, run_id) == "Open: front, back."
    assert sorted(house.door.opened) == ["back", "front"]
    assert record["request"]["agent"] == "tool-loop"
    assert record["request"]["limits"] == {"steps": 5}
    assert record["usage"]["completion_tokens"] > 0


async def test_a_conversation_may_be_given_and_all_be_granted(at_home: Any, house: House) -> None:
    messages = [{"role": "system", "content": "You open doors."}, {"role": "user", "content": "Go."}]
    async with at_home() as served:
        run_id = await started(served, task=None, messages=messages, approval="grant")
        assert await text_of(served, run_id) == "Open: front, back."
        run = await served.workbench.run(run_id)
    assert [message.role for message in run.request.messages] == ["system", "user"]


async def test_calls_are_decided_on_one_by_one(at_home: Any, house: House) -> None:
    async with at_home() as served:
        run_id = await started(served)
        calls = await waiting_calls(served, run_id)
        listed = (await served.client.get("/api/runs?state=paused")).json()
        first = await served.client.post(f"/api/runs/{run_id}/approve", json={"call": calls["front"]})
        assert house.door.opened == []
        early = await served.client.post(f"/api/runs/{run_id}/resume")
        await served.client.post(f"/api/runs/{run_id}/deny", json={"call": calls["back"], "reason": "it is cold"})
        assert await text_of(served, run_id) == "Open: front."
        events = (await served.client.get(f"/api/runs/{run_id}/events")).text
    assert [run["id"] for run in listed] == [run_id]
    assert first.json()["state"] == "paused"
    assert (early.status_code, early.json()["error"]["code"]) == (409, "conflict")
    assert house.door.opened == ["front"]
    assert "it is cold" in events


async def test_a_waiting_run_can_be_cancelled(at_home: Any, house: House) -> None:
    async with at_home() as served:
        run_id = await started(served)
        await waiting_calls(served, run_id)
        cancelled = await served.client.post(f"/api/runs/{run_id}/cancel")
        late = await served.client.post(f"/api/runs/{run_id}/approve")
        assert (await served.workbench.run(run_id)).state == "cancelled"
    assert cancelled.json() == {"cancelled": True}
    assert late.status_code == 409
    assert house.door.opened == []


async def test_a_call_that_does_not_wait_cannot_be_decided_on(at_home: Any) -> None:
    async with at_home() as served:
        run_id = await started(served)
        calls = await waiting_calls(served, run_id)
        response = await served.client.post(f"/api/runs/{run_id}/deny", json={"call": "call_0"})
        await served.client.post(f"/api/runs/{run_id}/cancel")
    assert response.status_code == 409
    for part in ("call_0", *calls.values()):
        assert part in response.json()["error"]["message"]


async def test_runs_are_listed_newest_first_and_by_how_they_stand(served: Any) -> None:
    for text in ("one", "two", "three"):
        await served.chat(messages=[{"role": "user", "content": text}])
    runs = (await served.client.get("/api/runs")).json()
    two = (await served.client.get("/api/runs?limit=2&state=finished")).json()
    assert [run["request"]["messages"][0]["spans"][0]["text"] for run in runs] == ["three", "two", "one"]
    assert two == runs[:2]
    assert (await served.client.get("/api/runs?state=failed")).json() == []


@pytest.mark.parametrize(
    ("query", "part"), [("state=pasued", "queued, running, paused"), ("limit=0", "limit"), ("limit=many", "limit")]
)
async def test_a_query_that_makes_no_sense_is_refused(served: Any, query: str, part: str) -> None:
    response = await served.client.get(f"/api/runs?{query}")
    assert response.status_code == 400
    assert part in response.json()["error"]["message"]


REFUSED: list[tuple[dict[str, Any], int, str, str]] = [
    ({}, 400, "task", "'messages'"),
    ({"task": "x", "messages": [{"role": "user", "content": "x"}]}, 400, "task", "either"),
    ({"task": ""}, 400, "task", "length >= 1"),
    ({"task": "x", "tools": ["door", "door"]}, 400, "tools[1]", "both 'door'"),
    ({"task": "x", "tools": [{"type": "function"}]}, 400, "tools[0]", "expected `str`"),
    ({"task": "x", "tools": ["dor"]}, 404, "tools", "'door'"),
    ({"task": "x", "allow": ["root"]}, 400, "allow[0]", "expected one of"),
    ({"task": "x", "approval": "never"}, 400, "approval", "ask, grant"),
    ({"task": "x", "folder": "/"}, 400, "folder", "known are"),
    ({"task": "x", "temperature": 9}, 400, "temperature", "<= 5"),
    ({"task": "x", "limits": {"tokens": 0}}, 400, "limits.tokens", ">= 1"),
    ({"task": "x", "agent": "nobody"}, 400, "agent", "tool-loop"),
    ({"task": "x", "call_protocol": "morse"}, 400, "call_protocol", "native"),
    ({"task": "x", "model": "nope"}, 404, "model", "nope"),
]


async def test_a_run_without_tools_or_agent_is_one_answer_which_needs_neither(served: Any) -> None:
    response = await served.client.post("/api/runs", json={"task": "Say this."})
    assert response.status_code == 201, response.text
    assert await text_of(served, response.json()["id"]) == "Say this."
    assert response.json()["request"].get("tools") is None


@pytest.mark.parametrize(("body", "status", "parameter", "part"), REFUSED, ids=lambda value: str(value)[:50])
async def test_a_run_that_makes_no_sense_is_not_started(
    at_home: Any, body: dict[str, Any], status: int, parameter: str, part: str
) -> None:
    async with at_home() as served:
        response = await served.client.post("/api/runs", json=body)
        runs = await served.workbench.runs.recent()
    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (status, parameter)
    assert part in error["message"]
    assert not runs


@pytest.mark.parametrize("verb", ["approve", "deny", "resume"])
async def test_what_does_not_wait_is_not_decided_on(served: Any, verb: str) -> None:
    await served.chat()
    ended = await served.client.post(f"/api/runs/{await served.newest_run()}/{verb}")
    missing = await served.client.post(f"/api/runs/run_nope/{verb}")
    assert (ended.status_code, ended.json()["error"]["code"]) == (409, "conflict")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "run_not_found")


@pytest.mark.parametrize("verb", ["approve", "deny"])
async def test_a_decision_that_makes_no_sense_is_refused(served: Any, verb: str) -> None:
    await served.chat()
    path = f"/api/runs/{await served.newest_run()}/{verb}"
    unknown = await served.client.post(path, json={"cal": "x"})
    plain = await served.client.post(path, content=b"call=x", headers={"Content-Type": "text/plain"})
    assert unknown.json()["error"]["param"] == "cal"
    assert plain.status_code == 415


async def test_tools_are_listed_with_what_cannot_be_had(at_home: Any) -> None:
    async with at_home() as served:
        body = (await served.client.get("/api/tools")).json()
    (door,) = body["tools"]
    assert (door["name"], door["permission"], door["parameters"]) == ("door", "execute", DOOR)
    assert door["origin"] == "house"
    assert door["timeout"] == 30
    assert body["failures"] == {"garage": "The server of the garage does not answer."}
