"""The official client's ways with tools: its loop, its streaming helper, and functions made from pydantic models."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, Literal

import openai
import pydantic
import pytest

from jackfield.contracts.engine import EngineLimits
from jackfield.testing.scripted_engine import ScriptedEngine, answering
from jackfield_plugins.agents import plugin as agents
from jackfield_plugins.function_calls import plugin as function_calls

ROOMY = EngineLimits(context_length=8192, cells=32768, sequences=16, batch_tokens=512)
QUESTION: Any = {"role": "user", "content": "Is it warmer in Paris or in Rome?"}
DEGREES = {"Paris": 19, "Rome": 27}


class Weather(pydantic.BaseModel):
    """The weather of a city."""

    city: str
    unit: Literal["celsius", "kelvin"] = "celsius"


def written(city: str) -> str:
    call = {"name": "Weather", "arguments": {"city": city, "unit": "celsius"}}
    return f"<tool_call>\n{json.dumps(call)}\n</tool_call>"


def comparing(prompt: str) -> str:
    """A model that asks for both cities, and knows the answer once it was told."""
    return "It is warmer in Rome." if '"degrees": 27' in prompt else f"{written('Paris')}\n{written('Rome')}"


def looked_up(call: Any) -> dict[str, str]:
    """What the caller does with a call: run it, and word its result."""
    city = json.loads(call.function.arguments)["city"]
    return {"role": "tool", "tool_call_id": call.id, "content": json.dumps({"degrees": DEGREES[city]})}


@pytest.fixture
async def client(serving: Any) -> AsyncIterator[openai.AsyncOpenAI]:
    """A client of a server whose model compares cities."""
    plugins = (("function_calls", function_calls), ("agents", agents))
    async with (
        serving(lambda: ScriptedEngine(answering(comparing), limits=ROOMY), plugins=plugins) as served,
        openai.AsyncOpenAI(base_url=f"{served.client.base_url}/v1", api_key="any", max_retries=0) as client,
    ):
        yield client


Answered = Callable[[openai.AsyncOpenAI, list[Any], list[Any]], Any]


async def whole(client: openai.AsyncOpenAI, messages: list[Any], tools: list[Any]) -> Any:
    answer = await client.chat.completions.create(model="scripted", messages=messages, tools=tools, temperature=0)
    return answer.choices[0]


async def parsed(client: openai.AsyncOpenAI, messages: list[Any], tools: list[Any]) -> Any:
    answer = await client.chat.completions.parse(model="scripted", messages=messages, tools=tools, temperature=0)
    return answer.choices[0]


async def streamed(client: openai.AsyncOpenAI, messages: list[Any], tools: list[Any]) -> Any:
    async with client.chat.completions.stream(
        model="scripted", messages=messages, tools=tools, temperature=0
    ) as stream:
        return (await stream.get_final_completion()).choices[0]


@pytest.mark.parametrize("answered", [whole, parsed, streamed])
async def test_the_tool_loop(client: openai.AsyncOpenAI, answered: Answered) -> None:
    messages: list[Any] = [QUESTION]
    tools = [openai.pydantic_function_tool(Weather)]
    first = await answered(client, messages, tools)
    assert first.finish_reason == "tool_calls"
    assert first.message.content is None
    assert [call.function.name for call in first.message.tool_calls] == ["Weather", "Weather"]
    messages += [first.message, *(looked_up(call) for call in first.message.tool_calls)]
    second = await answered(client, messages, tools)
    assert second.finish_reason == "stop"
    assert second.message.content == "It is warmer in Rome."
    assert not second.message.tool_calls


@pytest.mark.parametrize("answered", [parsed, streamed])
async def test_calls_are_parsed_into_the_models_they_were_made_from(
    client: openai.AsyncOpenAI, answered: Answered
) -> None:
    choice = await answered(client, [QUESTION], [openai.pydantic_function_tool(Weather)])
    made = [call.function.parsed_arguments for call in choice.message.tool_calls]
    assert made == [Weather(city="Paris"), Weather(city="Rome")]


async def test_the_streaming_helper_tells_of_arguments_as_they_come(client: openai.AsyncOpenAI) -> None:
    asked = partial(client.chat.completions.stream, model="scripted", messages=[QUESTION], temperature=0)
    async with asked(tools=[openai.pydantic_function_tool(Weather)]) as stream:
        events = [event async for event in stream]
    done = [event for event in events if event.type == "tool_calls.function.arguments.done"]
    deltas = [event for event in events if event.type == "tool_calls.function.arguments.delta"]
    assert [event.index for event in done] == [0, 1]
    assert [json.loads(event.arguments)["city"] for event in done] == ["Paris", "Rome"]
    for index in (0, 1):
        pieces = "".join(event.arguments_delta for event in deltas if event.index == index)
        assert pieces == done[index].arguments


async def test_wrong_tools_are_bad_requests_that_name_the_parameter(client: openai.AsyncOpenAI) -> None:
    tool: Any = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": 5}}}
    create: Any = partial(client.chat.completions.create, model="scripted", messages=[QUESTION])
    with pytest.raises(openai.BadRequestError) as schema:
        await create(tools=[tool])
    with pytest.raises(openai.BadRequestError) as missing:
        await create(tools=[openai.pydantic_function_tool(Weather)], parallel_tool_calls="no")
    with pytest.raises(openai.BadRequestError) as stray:
        await create(messages=[QUESTION, {"role": "tool", "tool_call_id": "call_9", "content": "x"}])
    assert schema.value.param == "tools[0].function.parameters"
    assert missing.value.param == "parallel_tool_calls"
    assert stray.value.param == "messages[1].tool_call_id"
