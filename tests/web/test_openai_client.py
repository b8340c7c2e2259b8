"""The official client takes what the server sends; `tests/e2e` does the same with a real model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

import openai
import pydantic
import pytest

from jackfield.testing.scripted_engine import ScriptedEngine, Timing, endless, replying

MESSAGES: Any = [{"role": "user", "content": "hello"}]


def slow_and_endless() -> ScriptedEngine:
    return ScriptedEngine(endless, timing=Timing(per_pass=0.01))


@pytest.fixture
async def client(serving: Any) -> AsyncIterator[openai.AsyncOpenAI]:
    """A client of a server that repeats what it is told."""
    async with serving() as served, client_of(served) as client:
        yield client


def client_of(served: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{served.client.base_url}/v1", api_key="anything", max_retries=0)


async def test_chats_whole_and_streamed(client: openai.AsyncOpenAI) -> None:
    whole = await client.chat.completions.create(model="scripted", messages=MESSAGES)
    stream = await client.chat.completions.create(
        model="scripted", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert whole.choices[0].message.content == text == "hello"
    assert whole.usage is not None
    assert chunks[-1].usage is not None
    assert whole.usage.total_tokens == chunks[-1].usage.total_tokens
    assert whole.usage.prompt_tokens_details is not None


async def test_an_answer_can_be_sent_back_as_it_came(client: openai.AsyncOpenAI) -> None:
    whole = await client.chat.completions.create(model="scripted", messages=MESSAGES)
    message = whole.choices[0].message
    again = [*MESSAGES, message, message.model_dump(), {"role": "user", "content": "again"}]
    answer = await client.chat.completions.create(model="scripted", messages=again)
    assert answer.choices[0].message.content == "again"


async def test_the_streaming_helper_joins_the_chunks(client: openai.AsyncOpenAI) -> None:
    async with client.chat.completions.stream(model="scripted", messages=MESSAGES) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].message.content == "hello"


async def test_completions_embeddings_and_models(client: openai.AsyncOpenAI) -> None:
    completion = await client.completions.create(model="scripted", prompt=[104, 105], max_tokens=3, logprobs=1)
    embeddings = await client.embeddings.create(model="scripted", input=["one", "two"])
    models = [model.id async for model in client.models.list()]
    assert completion.choices[0].text == "cde"
    assert completion.choices[0].logprobs is not None
    assert len(embeddings.data) == 2
    assert sum(number**2 for number in embeddings.data[0].embedding) == pytest.approx(1, abs=1e-5)
    assert models == ["scripted"]
    assert (await client.models.retrieve("scripted")).id == "scripted"


async def test_errors_have_the_clients_own_classes(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        await client.chat.completions.create(model="nope", messages=MESSAGES)
    with pytest.raises(openai.BadRequestError) as zero:
        await client.chat.completions.create(model="scripted", messages=MESSAGES, max_tokens=0)
    with pytest.raises(openai.BadRequestError) as unknown:
        await client.chat.completions.create(model="scripted", messages=MESSAGES, extra_body={"temprature": 1})
    assert missing.value.code == "model_not_found"
    assert zero.value.param == "max_tokens"
    assert unknown.value.code == "unknown_parameter"


async def test_an_error_in_mid_stream_is_raised(serving: Any) -> None:
    async with serving(slow_and_endless) as served, client_of(served) as client:
        stream = await client.chat.completions.create(model="scripted", messages=MESSAGES, stream=True)
        await anext(aiter(stream))
        await served.workbench.cancel(await served.newest_run())
        with pytest.raises(openai.APIError, match="cancelled"):
            async for _ in stream:
                pass


class Person(pydantic.BaseModel):
    """What an answer is parsed into."""

    name: str
    age: int
    nickname: str | None = None
    likes: list[Literal["tea", "coffee"]] = []


async def test_an_answer_is_parsed_into_the_model_that_was_asked_for(serving: Any) -> None:
    said = '{"name": "Ada", "age": 36, "nickname": null, "likes": ["tea"]}'
    async with serving(lambda: ScriptedEngine(replying(f"Well: {said}"))) as served, client_of(served) as client:
        parsed = await client.chat.completions.parse(
            model="scripted", messages=MESSAGES, response_format=Person, temperature=1, seed=1, max_tokens=400
        )
        async with client.chat.completions.stream(
            model="scripted", messages=MESSAGES, response_format=Person, temperature=1, seed=2, max_tokens=400
        ) as stream:
            final = await stream.get_final_completion()
    assert isinstance(parsed.choices[0].message.parsed, Person)
    assert isinstance(final.choices[0].message.parsed, Person)
