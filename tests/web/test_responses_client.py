"""The official OpenAI client takes responses as the server sends them, strictly read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import openai
import pydantic
import pytest
from openai.types.responses import Response, ResponseStreamEvent

from jackfield.contracts.engine import EngineLimits
from jackfield.testing.scripted_engine import ScriptedEngine, Timing, answering, endless, replying
from jackfield_plugins.agents import plugin as agents
from jackfield_plugins.function_calls import plugin as function_calls

ROOMY = EngineLimits(context_length=8192, cells=32768, sequences=16, batch_tokens=512)
PLUGINS = (("function_calls", function_calls), ("agents", agents))
QUESTION = "Is it warmer in Paris or in Rome?"
DEGREES = {"Paris": 19, "Rome": 27}
WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": True,
}
EVENTS = pydantic.TypeAdapter(ResponseStreamEvent)


def client_of(served: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{served.client.base_url}/v1", api_key="anything", max_retries=0)


def slow_and_endless() -> ScriptedEngine:
    return ScriptedEngine(endless, timing=Timing(per_pass=0.01))


def written(city: str) -> str:
    return f"<tool_call>\n{json.dumps({'name': 'weather', 'arguments': {'city': city}})}\n</tool_call>"


def comparing(prompt: str) -> str:
    """A model that asks for both cities, and knows the answer once it was told."""
    return "It is warmer in Rome." if '"degrees": 27' in prompt else f"{written('Paris')}\n{written('Rome')}"


@pytest.fixture
async def client(serving: Any) -> AsyncIterator[openai.AsyncOpenAI]:
    """A client of a server that repeats what it is told."""
    async with serving() as served, client_of(served) as client:
        yield client


@pytest.fixture
async def comparer(serving: Any) -> AsyncIterator[openai.AsyncOpenAI]:
    """A client of a server whose model compares cities."""
    engine = partial(ScriptedEngine, answering(comparing), limits=ROOMY)
    async with serving(engine, plugins=PLUGINS) as served, client_of(served) as client:
        yield client


def strictly(model: pydantic.BaseModel, kind: Any) -> None:
    """Raises unless what was sent is all that the client's type has, with the types that it has."""
    pydantic.TypeAdapter(kind).validate_python(model.model_dump(by_alias=True, warnings="error"))


async def test_answers_whole_and_streamed(client: openai.AsyncOpenAI) -> None:
    whole = await client.responses.create(model="scripted", input="hello", instructions="Be brief.")
    stream = await client.responses.create(model="scripted", input="hello", instructions="Be brief.", stream=True)
    events = [event async for event in stream]
    strictly(whole, Response)
    for event in events:
        strictly(event, ResponseStreamEvent)
    assert [event.type for event in events if event.type != "response.output_text.delta"] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert whole.output_text == events[-1].response.output_text == "hello"
    assert whole.usage
    assert whole.usage.total_tokens == whole.usage.input_tokens + whole.usage.output_tokens
    assert whole.instructions == "Be brief."


async def test_a_response_can_be_looked_at_again(client: openai.AsyncOpenAI) -> None:
    made = await client.responses.create(model="scripted", input="hello", metadata={"topic": "greeting"})
    again = await client.responses.retrieve(made.id)
    stream = await client.responses.retrieve(made.id, stream=True)
    events = [event async for event in stream]
    rest = await client.responses.retrieve(made.id, stream=True, starting_after=events[3].sequence_number)
    assert again == made
    assert again.metadata == {"topic": "greeting"}
    assert events[-1].response.output == made.output
    assert [event async for event in rest] == events[4:]


async def test_a_response_goes_on_behind_another(client: openai.AsyncOpenAI) -> None:
    first = await client.responses.create(model="scripted", input="one", instructions="Once.")
    second = await client.responses.create(model="scripted", input="two", previous_response_id=first.id)
    third = await client.responses.create(model="scripted", input="three", previous_response_id=second.id)
    alone = await client.responses.create(
        model="scripted",
        input=[
            {"role": "user", "content": "one"},
            *first.output,  # type: ignore[list-item]
            {"role": "user", "content": [{"type": "input_text", "text": "two"}]},
            *second.output,  # type: ignore[list-item]
            {"role": "user", "content": "three"},
        ],
    )
    assert third.previous_response_id == second.id
    assert third.usage
    assert alone.usage
    assert third.usage.input_tokens == alone.usage.input_tokens


async def created(client: openai.AsyncOpenAI, **asked: Any) -> Any:
    return await client.responses.create(model="scripted", temperature=0, **asked)


async def streamed(client: openai.AsyncOpenAI, **asked: Any) -> Any:
    async with client.responses.stream(model="scripted", temperature=0, **asked) as stream:
        async for event in stream:
            assert event
        return await stream.get_final_response()


@pytest.mark.parametrize("answered", [created, streamed])
async def test_the_tool_loop(comparer: openai.AsyncOpenAI, answered: Any) -> None:
    first = await answered(comparer, input=QUESTION, tools=[WEATHER])
    calls = [item for item in first.output if item.type == "function_call"]
    cities = [json.loads(call.arguments)["city"] for call in calls]
    assert cities == ["Paris", "Rome"]
    results = [
        {"type": "function_call_output", "call_id": call.call_id, "output": json.dumps({"degrees": DEGREES[city]})}
        for call, city in zip(calls, cities, strict=True)
    ]
    kept = await answered(comparer, input=results, tools=[WEATHER], previous_response_id=first.id)
    question = {"role": "user", "content": QUESTION}
    sent = await answered(comparer, input=[question, *first.output, *results], tools=[WEATHER])
    assert kept.output_text == sent.output_text == "It is warmer in Rome."
    assert kept.usage.input_tokens == sent.usage.input_tokens


async def test_arguments_stream_as_they_are_written(comparer: openai.AsyncOpenAI) -> None:
    stream = await comparer.responses.create(
        model="scripted", input=QUESTION, tools=[WEATHER], temperature=0, stream=True
    )
    events = [event async for event in stream]
    done = [event for event in events if event.type == "response.function_call_arguments.done"]
    for event in events:
        strictly(event, ResponseStreamEvent)
    for whole in done:
        deltas = [
            event.delta
            for event in events
            if event.type == "response.function_call_arguments.delta" and event.item_id == whole.item_id
        ]
        assert "".join(deltas) == whole.arguments
    assert [json.loads(event.arguments)["city"] for event in done] == ["Paris", "Rome"]
    assert events[-1].type == "response.completed"
    again = await comparer.responses.retrieve(events[-1].response.id)
    assert again.output == events[-1].response.output


class Person(pydantic.BaseModel):
    """What an answer is parsed into."""

    name: str
    age: int


async def test_an_answer_is_parsed_into_the_model_that_was_asked_for(serving: Any) -> None:
    engine = partial(ScriptedEngine, replying('{"name": "Ada", "age": 36}'))
    async with serving(engine) as served, client_of(served) as client:
        parsed = await client.responses.parse(model="scripted", input="who?", text_format=Person, temperature=0)
        free: Any = {"format": {"type": "json_object"}}
        loose = await client.responses.create(model="scripted", input="who?", text=free, temperature=0)
    assert isinstance(parsed.output_parsed, Person)
    assert isinstance(json.loads(loose.output_text), dict)


async def test_an_answer_that_is_cut_short_is_incomplete(client: openai.AsyncOpenAI) -> None:
    short = await client.responses.create(model="scripted", input="hello", max_output_tokens=2)
    stream = await client.responses.create(model="scripted", input="hello", max_output_tokens=2, stream=True)
    events = [event async for event in stream]
    assert short.status == "incomplete"
    assert short.incomplete_details
    assert short.incomplete_details.reason == "max_output_tokens"
    assert events[-1].type == "response.incomplete"


async def test_a_response_in_the_background_is_stopped(serving: Any) -> None:
    async with serving(slow_and_endless) as served, client_of(served) as client:
        begun = await client.responses.create(model="scripted", input="hello", background=True)
        assert begun.status == "queued"
        while (now := await client.responses.retrieve(begun.id)).status == "queued" or not now.output_text:
            await asyncio.sleep(0.01)
        assert now.status == "in_progress"
        with pytest.raises(openai.BadRequestError, match="cannot be gone on from"):
            await client.responses.create(model="scripted", input="more", previous_response_id=begun.id)
        stopped = await client.responses.cancel(begun.id)
        again = await client.responses.cancel(begun.id)
    strictly(stopped, Response)
    assert stopped.status == "cancelled"
    assert stopped.output_text.startswith(now.output_text)
    assert again == stopped


async def test_a_background_stream_outlives_its_reader(serving: Any) -> None:
    async with serving() as served, client_of(served) as client:
        stream = await client.responses.create(model="scripted", input="hello", background=True, stream=True)
        first = await anext(aiter(stream))
        await stream.close()
        await served.state_of(first.response.id.replace("resp_", "run_"), "finished")
        assert (await client.responses.retrieve(first.response.id)).output_text == "hello"


async def test_a_response_that_is_stopped_in_mid_stream_says_so(serving: Any) -> None:
    async with serving(slow_and_endless) as served, client_of(served) as client:
        stream = await client.responses.create(model="scripted", input="hello", stream=True)
        events = [await anext(aiter(stream))]
        await served.workbench.cancel(await served.newest_run())
        events += [event async for event in stream]
    strictly(events[-1], ResponseStreamEvent)
    assert events[-1].type == "response.failed"
    assert events[-1].response.status == "cancelled"
    assert [event.sequence_number for event in events] == list(range(len(events)))


async def test_what_was_not_stored_cannot_be_asked_for_again(client: openai.AsyncOpenAI, serving: Any) -> None:
    unstored = await client.responses.create(model="scripted", input="hello", store=False)
    chat = await client.chat.completions.create(model="scripted", messages=[{"role": "user", "content": "hello"}])
    for missing in (unstored.id, chat.id.replace("chatcmpl-", "resp_"), "resp_nothing", "run_nothing"):
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(missing)
        with pytest.raises(openai.NotFoundError) as behind:
            await client.responses.create(model="scripted", input="more", previous_response_id=missing)
        assert behind.value.param == "previous_response_id"
