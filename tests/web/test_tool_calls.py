"""Calls in chat answers: those that the caller runs, and those that are run here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import pytest

from jackfield.contracts.engine import EngineLimits
from jackfield.contracts.registration import Provided
from jackfield.contracts.tools import Tool, ToolDescription, ToolResult
from jackfield.events import Paused
from jackfield.hookspecs import hookimpl
from jackfield.testing.scripted_engine import ScriptedEngine, answering, continuing, replying
from jackfield_plugins.agents import plugin as agents
from jackfield_plugins.function_calls import plugin as function_calls

ROOMY = EngineLimits(context_length=8192, cells=32768, sequences=16, batch_tokens=512)
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "Of a city.", "parameters": CITY}}
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}
QUESTION = {"role": "user", "content": "How is the weather?"}


def written(tool: str, **arguments: Any) -> str:
    """A call as models write it."""
    return f"<tool_call>\n{json.dumps({'name': tool, 'arguments': arguments})}\n</tool_call>"


PARIS, ROME = written("weather", city="Paris"), written("weather", city="Rome")


class Lamp:
    """A tool that changes something, and so needs permission."""

    description = ToolDescription(
        name="lamp",
        description="Switches the lamp.",
        parameters={"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]},
        permission="write",
    )

    def __init__(self) -> None:
        self.switched: list[bool] = []

    async def call(self, arguments: Any) -> ToolResult:
        self.switched.append(arguments["on"])
        return ToolResult(text=f"the lamp is {'on' if arguments['on'] else 'off'}")


class Room:
    """A plugin that brings one lamp."""

    def __init__(self) -> None:
        self.lamp = Lamp()

    @hookimpl
    def jackfield_tools(self) -> list[Provided[Tool]]:
        return [Provided("lamp", lambda: self.lamp)]


def model(reply: str | Callable[[str], str]) -> Callable[[], ScriptedEngine]:
    """A model with room for tools that replies so to any prompt, or as a function makes of it."""
    script = replying(reply) if isinstance(reply, str) else answering(reply)
    return lambda: ScriptedEngine(script, limits=ROOMY)


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def equipped(serving: Any, room: Room) -> Callable[..., AbstractAsyncContextManager[Any]]:
    """`async with equipped(model(…)) as served`: with call protocols, agents and a lamp."""
    plugins = (("function_calls", function_calls), ("agents", agents), ("room", room))
    return partial(serving, plugins=plugins)


def message_of(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    message: dict[str, Any] = response.json()["choices"][0]["message"]
    return message


def arguments_of(call: dict[str, Any]) -> Any:
    return json.loads(call["function"]["arguments"])


def joined(chunks: list[Any], index: int = 0) -> tuple[str | None, list[dict[str, Any]], str | None]:
    """What the deltas of one choice join to: text, calls, and why it ended."""
    content: str | None = None
    calls: list[dict[str, Any]] = []
    reason: str | None = None
    for choice in (choice for chunk in chunks for choice in chunk["choices"] if choice["index"] == index):
        delta, reason = choice["delta"], choice["finish_reason"] or reason
        if delta.get("content") is not None:
            content = (content or "") + delta["content"]
        for piece in delta.get("tool_calls", []):
            if piece["index"] == len(calls):
                assert set(piece) == {"index", "id", "type", "function"}
                assert piece["function"]["arguments"] == ""
                calls.append(piece)
            else:
                assert set(piece) == {"index", "function"}
                assert set(piece["function"]) == {"arguments"}
                calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]
    return content, calls, reason


PROTOCOLS = ("native", "constrained")


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_call_is_answered_for_the_caller_to_run(equipped: Any, sse: Any, protocol: str) -> None:
    async with equipped(model(PARIS)) as served:
        asked = {"messages": [QUESTION], "tools": [WEATHER, CLOCK], "temperature": 0, "call_protocol": protocol}
        whole = await served.chat(**asked)
        *chunks, done = sse((await served.chat(**asked, stream=True)).text)
    message = message_of(whole)
    (call,) = message["tool_calls"]
    assert message["content"] is None
    assert whole.json()["choices"][0]["finish_reason"] == "tool_calls"
    assert (call["type"], call["function"]["name"], arguments_of(call)) == ("function", "weather", {"city": "Paris"})
    assert call["id"]
    content, (streamed,), reason = joined(chunks)
    assert done == "[DONE]"
    assert (content, reason) == (None, "tool_calls")
    assert (streamed["function"]["name"], arguments_of(streamed)) == ("weather", {"city": "Paris"})
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": None}


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_text_comes_before_its_calls(equipped: Any, sse: Any, protocol: str) -> None:
    async with equipped(model(f"One moment. {PARIS}\n{ROME}")) as served:
        asked = {"messages": [QUESTION], "tools": [WEATHER], "temperature": 0, "call_protocol": protocol}
        message = message_of(await served.chat(**asked))
        *chunks, _ = sse((await served.chat(**asked, stream=True)).text)
    content, calls, reason = joined(chunks)
    assert content is not None
    assert content.strip() == message["content"].strip() == "One moment."
    for made in (calls, message["tool_calls"]):
        assert [arguments_of(call) for call in made] == [{"city": "Paris"}, {"city": "Rome"}]
        assert len({call["id"] for call in made}) == 2
    assert reason == "tool_calls"
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}


async def test_arguments_are_streamed_while_they_are_written(equipped: Any, sse: Any) -> None:
    asked = {"messages": [QUESTION], "tools": [WEATHER], "temperature": 0, "stream": True}
    async with equipped(model(written("weather", city="a long name of a city"))) as served:
        *chunks, _ = sse((await served.chat(**asked, call_protocol="constrained")).text)
    pieces = [chunk for chunk in chunks if chunk["choices"][0]["delta"].get("tool_calls")]
    assert len(pieces) > 5


async def test_one_call_is_enough_where_more_are_not_wanted(equipped: Any) -> None:
    async with equipped(model(f"{PARIS}\n{ROME}")) as served:
        answer = await served.chat(messages=[QUESTION], tools=[WEATHER], temperature=0, parallel_tool_calls=False)
    (call,) = message_of(answer)["tool_calls"]
    assert arguments_of(call) == {"city": "Paris"}


async def test_a_model_that_may_not_call_answers_in_text(equipped: Any) -> None:
    async with equipped(model("I cannot tell.")) as served:
        answer = await served.chat(messages=[QUESTION], tools=[WEATHER], tool_choice="none", temperature=0)
    assert message_of(answer)["content"] == "I cannot tell."
    assert "tool_calls" not in message_of(answer)


async def test_a_model_that_must_call_does_whatever_it_would_say(equipped: Any, sse: Any) -> None:
    asked = {"messages": [QUESTION], "temperature": 1, "max_tokens": 400}
    named = {"tools": [WEATHER, CLOCK], "tool_choice": {"type": "function", "function": {"name": "clock"}}}
    async with equipped(model("It is sunny.")) as served:
        required = await served.chat(**asked, tools=[CLOCK], tool_choice="required", seed=1, parallel_tool_calls=False)
        clock = await served.chat(**asked, **named, seed=2, parallel_tool_calls=False)
        *chunks, _ = sse((await served.chat(**asked, **named, seed=3, parallel_tool_calls=False, stream=True)).text)
    for calls in (message_of(required)["tool_calls"], message_of(clock)["tool_calls"], joined(chunks)[1]):
        assert [(call["function"]["name"], arguments_of(call)) for call in calls] == [("clock", {})]


async def test_the_older_form_is_answered_in_the_older_form(equipped: Any, sse: Any) -> None:
    asked = {"messages": [QUESTION], "functions": [WEATHER["function"]], "temperature": 0}
    async with equipped(model(PARIS)) as served:
        whole = await served.chat(**asked)
        *chunks, _ = sse((await served.chat(**asked, stream=True)).text)
    message = message_of(whole)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    pieces = [delta["function_call"] for delta in deltas if "function_call" in delta]
    assert message["function_call"]["name"] == pieces[0]["name"] == "weather"
    assert json.loads(message["function_call"]["arguments"]) == {"city": "Paris"}
    assert json.loads("".join(piece["arguments"] for piece in pieces)) == {"city": "Paris"}
    assert "tool_calls" not in message
    for choice in (whole.json()["choices"][0], chunks[-1]["choices"][0]):
        assert choice["finish_reason"] == "function_call"


async def test_choices_of_one_answer_call_each_for_itself(equipped: Any, sse: Any) -> None:
    asked = {"messages": [QUESTION], "tools": [WEATHER], "temperature": 0, "n": 2}
    async with equipped(model(PARIS)) as served:
        choices = (await served.chat(**asked)).json()["choices"]
        *chunks, _ = sse((await served.chat(**asked, stream=True)).text)
    assert [arguments_of(choice["message"]["tool_calls"][0]) for choice in choices] == [{"city": "Paris"}] * 2
    assert [arguments_of(joined(chunks, index)[1][0]) for index in range(2)] == [{"city": "Paris"}] * 2


async def test_a_result_that_was_sent_back_is_read(equipped: Any) -> None:
    def weather(prompt: str) -> str:
        return "It is sunny in Paris." if "sunny, 25" in prompt else PARIS

    async with equipped(model(weather)) as served:
        first = message_of(await served.chat(messages=[QUESTION], tools=[WEATHER], temperature=0))
        result = {"role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": "sunny, 25 degrees"}
        again = await served.chat(messages=[QUESTION, first, result], tools=[WEATHER], temperature=0)
    assert message_of(again)["content"] == "It is sunny in Paris."
    assert again.json()["choices"][0]["finish_reason"] == "stop"


async def test_an_answer_that_is_cut_short_in_a_call_has_no_whole_call(equipped: Any, sse: Any) -> None:
    asked = {"messages": [QUESTION], "tools": [WEATHER], "temperature": 0, "max_tokens": 60}
    async with equipped(model(written("weather", city="x" * 200))) as served:
        whole = await served.chat(**asked, call_protocol="constrained")
        *chunks, done = sse((await served.chat(**asked, call_protocol="constrained", stream=True)).text)
    _, calls, reason = joined(chunks)
    assert whole.json()["choices"][0]["finish_reason"] == reason == "length"
    assert "tool_calls" not in message_of(whole)
    for call in calls:
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            arguments_of(call)
    assert done == "[DONE]"


def switching(prompt: str) -> str:
    """Switches the lamp on, and tells what it was told of it."""
    for word in ("the lamp is on", "denied", "not at night"):
        if word in prompt:
            return f"I heard: {word}."
    return written("lamp", on=True)


async def test_a_tool_that_is_run_here_shows_only_in_the_text_and_the_events(
    equipped: Any, sse: Any, room: Room
) -> None:
    asked = {"messages": [QUESTION], "server_tools": ["lamp"], "allow": ["write"], "temperature": 0}
    async with equipped(model(switching)) as served:
        whole = await served.chat(**asked)
        *chunks, _ = sse((await served.chat(**asked, stream=True)).text)
        run_id = whole.headers["x-jackfield-run"]
        events = (await served.client.get(f"/api/runs/{run_id}/events")).text
    content, calls, reason = joined(chunks)
    assert message_of(whole)["content"] == content == "I heard: the lamp is on."
    assert "tool_calls" not in message_of(whole)
    assert (calls, reason) == ([], "stop")
    assert [chunk["choices"][0]["delta"].get("role") for chunk in chunks].count("assistant") == 1
    assert room.lamp.switched == [True, True]
    for part in ('"call_written"', '"call_started"', '"call_ended"', '"tokens_meanwhile"'):
        assert part in events


async def paused_run(served: Any) -> Any:
    """The run that waits, once there is one."""
    while not (runs := (await served.client.get("/api/runs?state=paused")).json()):
        await asyncio.sleep(0.01)
    return runs[0]


async def test_a_stream_stays_open_while_its_run_waits_for_approval(equipped: Any, sse: Any, room: Room) -> None:
    asked = {"messages": [QUESTION], "server_tools": ["lamp"], "temperature": 0}
    async with equipped(model(switching)) as served:
        streaming = asyncio.create_task(served.chat(**asked, stream=True))
        run = await paused_run(served)
        assert room.lamp.switched == []
        approved = await served.client.post(f"/api/runs/{run['id']}/approve")
        *chunks, done = sse((await streaming).text)
        again = await served.client.post(f"/api/runs/{run['id']}/approve")
    assert approved.status_code == 200
    assert approved.json()["id"] == run["id"]
    assert joined(chunks)[0] == "I heard: the lamp is on."
    assert done == "[DONE]"
    assert room.lamp.switched == [True]
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")


async def test_a_whole_answer_waits_too_and_a_denied_call_is_told_to_the_model(equipped: Any, room: Room) -> None:
    async with equipped(model(switching)) as served:
        asking = asyncio.create_task(served.chat(messages=[QUESTION], server_tools=["lamp"], temperature=0))
        run = await paused_run(served)
        events = served.workbench.watch(run["id"])
        (waiting,) = [call async for call in pending_calls(events)][:1]
        body = {"call": waiting, "reason": "not at night"}
        denied = await served.client.post(f"/api/runs/{run['id']}/deny", json=body)
        answer = await asking
    assert denied.status_code == 200
    assert message_of(answer)["content"].startswith("I heard: ")
    assert room.lamp.switched == []


async def pending_calls(events: Any) -> Any:
    """The identifiers of the calls that the first pause is about."""
    async for event in events:
        if isinstance(event.body, Paused):
            for pending in event.body.calls:
                yield pending.call.identifier
            await events.aclose()
            return


async def test_text_from_before_a_pause_is_sent_once(equipped: Any, sse: Any) -> None:
    def announcing(prompt: str) -> str:
        return "Done." if "the lamp is on" in prompt else f"Let me see. {written('lamp', on=True)}"

    asked = {"messages": [QUESTION], "server_tools": ["lamp"], "temperature": 0}
    async with equipped(model(announcing)) as served:
        streaming = asyncio.create_task(served.chat(**asked, stream=True))
        await served.client.post(f"/api/runs/{(await paused_run(served))['id']}/approve")
        *chunks, _ = sse((await streaming).text)
        asking = asyncio.create_task(served.chat(**asked))
        await served.client.post(f"/api/runs/{(await paused_run(served))['id']}/approve")
        whole = message_of(await asking)["content"]
    assert joined(chunks)[0] == whole
    assert whole.split() == ["Let", "me", "see.", "Done."]


async def test_an_answer_that_goes_on_differently_after_a_pause(equipped: Any, sse: Any) -> None:
    words = ["One"]

    def moody(reply: str) -> str:
        whole = f'{words[-1]}: [CALL] 1 [HEAD] lamp {{"on": true}} [END]'
        return "" if "[INTR]" in reply else whole[len(reply) :]

    asked = {"messages": [QUESTION], "server_tools": ["lamp"], "temperature": 0, "call_protocol": "interrupts"}
    async with equipped(lambda: ScriptedEngine(continuing(moody), limits=ROOMY)) as served:
        asking = asyncio.create_task(served.chat(**asked))
        run = await paused_run(served)
        words.append("Two")
        await served.client.post(f"/api/runs/{run['id']}/approve")
        whole = await asking
        streaming = asyncio.create_task(served.chat(**asked, stream=True))
        run = await paused_run(served)
        words.append("Three")
        await served.client.post(f"/api/runs/{run['id']}/approve")
        *chunks, error = sse((await streaming).text)
    assert message_of(whole)["content"].strip() == "Two:"
    assert (joined(chunks)[0] or "").strip() == "Two:"
    assert error["error"]["code"] == "interrupted"


async def test_a_client_that_hangs_up_takes_a_waiting_run_along(equipped: Any, room: Room) -> None:
    body = {"model": "scripted", "messages": [QUESTION], "server_tools": ["lamp"], "temperature": 0, "stream": True}
    async with equipped(model(switching)) as served:
        async with served.client.stream("POST", "/v1/chat/completions", json=body):
            run = await paused_run(served)
        assert await served.state_of(run["id"], "cancelled", "finished") == "cancelled"
    assert room.lamp.switched == []


async def test_a_tool_that_is_not_here_is_not_found(equipped: Any) -> None:
    async with equipped(model("hello")) as served:
        response = await served.chat(server_tools=["lmap"])
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "tool_not_found"
    assert response.json()["error"]["param"] == "server_tools"
    assert "lamp" in response.json()["error"]["message"]


@pytest.mark.parametrize(("field", "name"), [("agent", "nobody"), ("call_protocol", "morse")])
async def test_an_agent_or_protocol_that_is_not_here_is_named(equipped: Any, field: str, name: str) -> None:
    async with equipped(model("hello")) as served:
        response = await served.chat(server_tools=["lamp"], **{field: name})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == field
    assert name in response.json()["error"]["message"]


async def test_a_run_at_its_limit_says_so(equipped: Any) -> None:
    asked = {"messages": [QUESTION], "server_tools": ["lamp"], "allow": ["write"], "temperature": 0}
    async with equipped(model(switching)) as served:
        response = await served.chat(**asked, limits={"steps": 1})
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "limit_reached"
