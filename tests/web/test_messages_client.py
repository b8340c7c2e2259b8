"""The official Anthropic client takes what the server sends; `tests/e2e` does the same with a real model."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pydantic
import pytest

from jackfield.contracts.engine import EngineLimits
from jackfield.testing.scripted_engine import ScriptedEngine, Timing, answering, endless, replying
from jackfield_plugins.agents import plugin as agents
from jackfield_plugins.function_calls import plugin as function_calls

if TYPE_CHECKING:
    import anthropic  # takes two seconds, which every worker would take to collect the tests

ROOMY = EngineLimits(context_length=8192, cells=32768, sequences=16, batch_tokens=512)
PLUGINS = (("function_calls", function_calls), ("agents", agents))
USER: Any = {"role": "user", "content": "hello"}
QUESTION: Any = {"role": "user", "content": "Is it warmer in Paris or in Rome?"}
GREEDY = {"temperature": 0}
DEGREES = {"Paris": 19, "Rome": 27}
WEATHER: Any = {
    "name": "weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def client_of(served: Any) -> anthropic.AsyncAnthropic:
    import anthropic

    return anthropic.AsyncAnthropic(base_url=str(served.client.base_url), api_key="anything", max_retries=0)


def written(city: str) -> str:
    return f"<tool_call>\n{json.dumps({'name': 'weather', 'arguments': {'city': city}})}\n</tool_call>"


def comparing(prompt: str) -> str:
    """A model that asks for both cities, and knows the answer once it was told."""
    return (
        "It is warmer in Rome." if '"degrees": 27' in prompt else f"Let me see.\n{written('Paris')}\n{written('Rome')}"
    )


@pytest.fixture
async def client(serving: Any) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """A client of a server that repeats what it is told."""
    async with serving() as served, client_of(served) as client:
        yield client


@pytest.fixture
async def comparer(serving: Any) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """A client of a server whose model compares cities."""
    engine = partial(ScriptedEngine, answering(comparing), limits=ROOMY)
    async with serving(engine, plugins=PLUGINS) as served, client_of(served) as client:
        yield client


async def test_answers_whole_and_streamed(client: anthropic.AsyncAnthropic) -> None:
    whole = await client.messages.create(model="scripted", max_tokens=50, messages=[USER])
    async with client.messages.stream(model="scripted", max_tokens=50, messages=[USER]) as stream:
        text = "".join([piece async for piece in stream.text_stream])
        final = await stream.get_final_message()
    assert whole.content[0].text == text == final.content[0].text == "hello"
    assert whole.stop_reason == final.stop_reason == "end_turn"
    assert final.usage.output_tokens == whole.usage.output_tokens
    count = await client.messages.count_tokens(model="scripted", messages=[USER])
    assert count.input_tokens == whole.usage.input_tokens


async def whole(client: anthropic.AsyncAnthropic, **asked: Any) -> Any:
    return await client.messages.create(model="scripted", max_tokens=500, extra_body=GREEDY, **asked)


async def streamed(client: anthropic.AsyncAnthropic, **asked: Any) -> Any:
    async with client.messages.stream(model="scripted", max_tokens=500, extra_body=GREEDY, **asked) as stream:
        return await stream.get_final_message()


@pytest.mark.parametrize("answered", [whole, streamed])
async def test_the_tool_loop(comparer: anthropic.AsyncAnthropic, answered: Any) -> None:
    first = await answered(comparer, messages=[QUESTION], tools=[WEATHER])
    said, *calls = first.content
    assert first.stop_reason == "tool_use"
    assert said.text.strip() == "Let me see."
    assert [call.input for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": json.dumps({"degrees": DEGREES[call.input["city"]]})}
        for call in calls
    ]
    messages = [QUESTION, {"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    second = await answered(comparer, messages=messages, tools=[WEATHER])
    assert second.stop_reason == "end_turn"
    assert second.content[0].text == "It is warmer in Rome."


async def test_one_call_at_a_time_where_it_is_asked(comparer: anthropic.AsyncAnthropic) -> None:
    choice: Any = {"type": "auto", "disable_parallel_tool_use": True}
    answer = await whole(comparer, messages=[QUESTION], tools=[WEATHER], tool_choice=choice)
    assert [block.type for block in answer.content] == ["text", "tool_use"]


async def test_a_failed_result_is_told_as_one(comparer: anthropic.AsyncAnthropic, serving: Any) -> None:
    first = await whole(comparer, messages=[QUESTION], tools=[WEATHER])
    calls = [block for block in first.content if block.type == "tool_use"]
    results = [
        {"type": "tool_result", "tool_use_id": call.id, "content": "no such city", "is_error": True} for call in calls
    ]
    engine = partial(
        ScriptedEngine, answering(lambda prompt: "told" if "Error: no such city" in prompt else "not"), limits=ROOMY
    )
    async with serving(engine, plugins=PLUGINS) as served, client_of(served) as client:
        answer = await whole(
            client,
            messages=[QUESTION, {"role": "assistant", "content": first.content}, {"role": "user", "content": results}],
            tools=[WEATHER],
        )
    assert answer.content[0].text == "told"


class Person(pydantic.BaseModel):
    """What an answer is parsed into."""

    name: str
    age: int


async def test_an_answer_is_parsed_into_the_model_that_was_asked_for(serving: Any) -> None:
    engine = partial(ScriptedEngine, replying('{"name": "Ada", "age": 36}'))
    async with serving(engine) as served, client_of(served) as client:
        parsed = await client.messages.parse(
            model="scripted", max_tokens=200, messages=[USER], output_format=Person, extra_body=GREEDY
        )
    assert isinstance(parsed.parsed_output, Person)


async def test_errors_have_the_clients_own_classes(serving: Any) -> None:
    import anthropic

    async with serving() as served, client_of(served) as client:
        with pytest.raises(anthropic.NotFoundError) as missing:
            await client.messages.create(model="nope", max_tokens=5, messages=[USER])
        with pytest.raises(anthropic.BadRequestError) as zero:
            await client.messages.create(model="scripted", max_tokens=0, messages=[USER])
    assert missing.value.type == "not_found_error"
    assert missing.value.error_code == "model_not_found"
    assert missing.value.request_id
    assert zero.value.type == "invalid_request_error"


async def test_an_error_in_mid_stream_is_raised(serving: Any) -> None:
    import anthropic

    engine = partial(ScriptedEngine, endless, timing=Timing(per_pass=0.01))
    async with serving(engine) as served, client_of(served) as client:
        stream = await client.messages.create(model="scripted", max_tokens=400, messages=[USER], stream=True)
        await anext(aiter(stream))
        await served.workbench.cancel(await served.newest_run())
        with pytest.raises(anthropic.APIStatusError, match="cancelled"):
            async for _ in stream:
                pass
