"""The official OpenAI client against `jackfield serve` with the starter model, each as its users run it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import httpx
import openai
import pydantic
import pytest

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]

MODEL = "starter"
QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
STORY = [{"role": "user", "content": "Tell me a long story about a lighthouse keeper."}]


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[openai.OpenAI]:
    """The synchronous client."""
    with openai.OpenAI(base_url=address, api_key="anything", max_retries=0, timeout=120) as client:
        yield client


def streamed_text(chunks: Any) -> str:
    """What a chat stream's deltas join to."""
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def dot(one: Sequence[float], other: Sequence[float]) -> float:
    """How alike two vectors of unit length are."""
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


def streamed(client: openai.OpenAI, asked: dict[str, Any]) -> list[Any]:
    return list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))


def test_a_chat_is_answered(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=QUESTION, temperature=0, max_tokens=30)
    assert answer.id.startswith("chatcmpl-")
    assert answer.model == MODEL
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.system_fingerprint


def test_a_stream_says_what_the_whole_answer_says_and_counts_alike(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": MODEL, "messages": QUESTION, "temperature": 0, "max_tokens": 30}
    pairs = [(client.chat.completions.create(**asked), streamed(client, asked)) for _ in range(3)]
    for whole, chunks in pairs:
        for usage in (whole.usage, chunks[-1].usage):
            assert usage is not None
            assert usage.prompt_tokens + usage.completion_tokens == usage.total_tokens
            assert usage.completion_tokens > 0
        assert whole.usage.prompt_tokens == chunks[-1].usage.prompt_tokens
    # Two tokens that are nearly as likely may change places between two requests.
    same = [pair for pair in pairs if streamed_text(pair[1]) == pair[0].choices[0].message.content]
    assert same
    assert all(whole.usage.completion_tokens == chunks[-1].usage.completion_tokens for whole, chunks in same)


async def test_sixteen_streams_at_once_all_finish(address: str) -> None:
    async with openai.AsyncOpenAI(base_url=address, api_key="anything", max_retries=0, timeout=240) as client:

        async def one(number: int) -> tuple[str, str | None]:
            messages: Any = [{"role": "user", "content": f"Count upwards from {number}."}]
            stream = await client.chat.completions.create(
                model=MODEL, messages=messages, max_tokens=20, temperature=0, stream=True
            )
            text, reason = "", None
            async for chunk in stream:
                text += chunk.choices[0].delta.content or ""
                reason = chunk.choices[0].finish_reason or reason
            return text, reason

        answers = await asyncio.gather(*(one(number) for number in range(16)))
    assert all(text for text, _ in answers)
    assert {reason for _, reason in answers} <= {"stop", "length"}


def test_max_tokens_ends_with_length(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=STORY, max_tokens=7)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 7


def test_stop_sequences_end_an_answer(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": MODEL, "messages": STORY, "temperature": 0, "max_tokens": 40}
    whole = client.chat.completions.create(**asked).choices[0].message.content or ""
    word = whole.split()[5]
    cut = client.chat.completions.create(**asked, stop=[word]).choices[0]
    assert cut.finish_reason == "stop"
    assert cut.message.content == whole[: whole.index(word)]


def test_a_seed_reproduces_an_answer_but_for_near_ties(client: openai.OpenAI) -> None:
    """Rounding depends on where the cache holds a prompt, so of eight pairs one or two may part."""
    asked: dict[str, Any] = {"model": MODEL, "messages": STORY, "temperature": 1.0, "max_tokens": 12}
    pairs = [
        [client.chat.completions.create(**asked, seed=seed).choices[0].message.content for _ in range(2)]
        for seed in range(8)
    ]
    assert sum(one == other for one, other in pairs) >= 5
    assert len({one for one, _ in pairs}) >= 4


def test_choices_of_one_request_differ_by_seed_and_reproduce(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": MODEL, "messages": STORY, "temperature": 1.0, "max_tokens": 16}
    together = client.chat.completions.create(**asked, seed=11, n=2)
    assert together.choices[0].message.content != together.choices[1].message.content
    assert together.usage is not None
    assert together.usage.completion_tokens <= 32


def test_logprobs_spell_the_answer(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model=MODEL, messages=QUESTION, temperature=0, max_tokens=12, logprobs=True, top_logprobs=3
    ).choices[0]
    assert answer.logprobs is not None
    assert answer.logprobs.content is not None
    scores = answer.logprobs.content
    spelled = b"".join(bytes(score.bytes or []) for score in scores).decode(errors="replace")
    assert spelled == answer.message.content
    for score in scores:
        assert score.logprob <= 0
        assert len(score.top_logprobs) == 3
        assert score.top_logprobs[0].logprob == pytest.approx(score.logprob)
        assert math.fsum(math.exp(likely.logprob) for likely in score.top_logprobs) <= 1.0001


def test_a_raw_prompt_is_gone_on_with_as_text_and_as_token_ids(client: openai.OpenAI) -> None:
    text = client.completions.create(model=MODEL, prompt="The capital of France is", max_tokens=5, temperature=0)
    tokens = client.completions.create(model=MODEL, prompt=[504, 3575, 282, 4649, 314], max_tokens=5, temperature=0)
    pair = client.completions.create(model=MODEL, prompt=["One, two,", "A, B,"], max_tokens=4, temperature=0, n=2)
    assert "Paris" in text.choices[0].text
    assert tokens.choices[0].text
    assert tokens.usage is not None
    assert tokens.usage.prompt_tokens == 5
    assert [choice.index for choice in pair.choices] == [0, 1, 2, 3]
    assert pair.choices[0].text == pair.choices[1].text


def test_embeddings_have_unit_length_and_put_like_beside_like(client: openai.OpenAI) -> None:
    texts = ["A cat sleeps on the sofa.", "A kitten naps on the couch.", "The parliament passed a tax law."]
    cat, kitten, law = (entry.embedding for entry in client.embeddings.create(model=MODEL, input=texts).data)
    assert math.hypot(*cat) == pytest.approx(1, abs=1e-3)
    assert dot(cat, kitten) > dot(cat, law)
    plain = client.embeddings.create(model=MODEL, input=texts[0], encoding_format="float").data[0].embedding
    assert plain == pytest.approx(cat, abs=1e-3)


def test_models_are_listed_and_found(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).id == MODEL


def test_errors_have_the_clients_own_classes(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="no-such-model", messages=QUESTION)
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")
    with pytest.raises(openai.BadRequestError) as zero:
        client.chat.completions.create(model=MODEL, messages=QUESTION, max_tokens=0)
    with pytest.raises(openai.BadRequestError) as unknown:
        client.chat.completions.create(model=MODEL, messages=QUESTION, extra_body={"temprature": 1})
    with pytest.raises(openai.BadRequestError) as long:
        client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "word " * 20000}], stream=True
        )
    assert (missing.value.code, missing.value.type) == ("model_not_found", "invalid_request_error")
    assert (zero.value.param, zero.value.status_code) == ("max_tokens", 400)
    assert (unknown.value.param, unknown.value.code) == ("temprature", "unknown_parameter")
    assert long.value.code == "context_length_exceeded"


def test_a_stream_that_is_closed_frees_the_server(client: openai.OpenAI, address: str) -> None:
    stream = client.chat.completions.create(model=MODEL, messages=STORY, stream=True, n=8, max_tokens=2000)
    next(iter(stream))
    stream.close()
    answer = client.chat.completions.create(model=MODEL, messages=QUESTION, max_tokens=4)
    assert answer.choices[0].message.content
    (loaded,) = [
        model
        for model in httpx.get(address.removesuffix("/v1") + "/api/models/loaded").json()
        if model["purpose"] == "generate"
    ]
    assert loaded["requests"] == 0


class Weather(pydantic.BaseModel):
    """What an answer is parsed into."""

    city: str = pydantic.Field(max_length=20)
    degrees: int = pydantic.Field(ge=-40, le=50)
    sky: Literal["clear", "cloudy", "rain"]


def test_an_answer_is_parsed_into_the_model_that_was_asked_for(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "What is the weather like in Paris? Answer in JSON."}],
        "max_tokens": 200,
        "seed": 5,
    }
    parsed = client.chat.completions.parse(**asked, response_format=Weather, temperature=0)
    with client.chat.completions.stream(**asked, response_format=Weather, temperature=1) as stream:
        final = stream.get_final_completion()
    assert isinstance(parsed.choices[0].message.parsed, Weather)
    assert isinstance(final.choices[0].message.parsed, Weather)


def test_an_answer_is_one_of_the_choices(client: openai.OpenAI) -> None:
    for seed in range(4):
        answer = client.chat.completions.create(
            model=MODEL,
            messages=STORY,
            seed=seed,
            logprobs=True,
            extra_body={"structured_outputs": {"choice": ["yes", "no", "perhaps"]}},
        ).choices[0]
        assert answer.message.content in ("yes", "no", "perhaps")
        assert answer.finish_reason == "stop"


def test_a_shape_that_cannot_be_compiled_is_told_with_the_reason(client: openai.OpenAI) -> None:
    schema = {"name": "it", "schema": {"type": "object", "properties": {"a": {"not": {}}}}}
    with pytest.raises(openai.BadRequestError, match="'not' at '/properties/a'") as refused:
        client.chat.completions.create(
            model=MODEL, messages=QUESTION, response_format={"type": "json_schema", "json_schema": schema}, stream=True
        )
    assert refused.value.param == "response_format"


class Lookup(pydantic.BaseModel):
    """Looks up the capital of a country."""

    country: Literal["France", "Italy", "Japan"]


LOOKUP = openai.pydantic_function_tool(Lookup)
NAMED: Any = {"type": "function", "function": {"name": "Lookup"}}


@pytest.mark.parametrize("choice", ["required", NAMED], ids=["required", "named"])
def test_a_model_that_must_call_writes_a_call_that_fits(client: openai.OpenAI, choice: Any) -> None:
    asked: dict[str, Any] = {"model": MODEL, "messages": QUESTION, "tools": [LOOKUP], "tool_choice": choice}
    for seed in range(3):
        answer = client.chat.completions.parse(**asked, temperature=1, seed=seed, max_tokens=200).choices[0]
        assert answer.finish_reason == "tool_calls"
        assert answer.message.tool_calls
        for call in answer.message.tool_calls:
            assert isinstance(call.function.parsed_arguments, Lookup)


@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "streamed"])
def test_the_tool_loop(client: openai.OpenAI, streaming: bool) -> None:
    messages: list[Any] = [*QUESTION]
    asked: dict[str, Any] = {"model": MODEL, "tools": [LOOKUP], "temperature": 0, "max_tokens": 200}

    def answered(**more: Any) -> Any:
        if not streaming:
            return client.chat.completions.create(**asked, **more, messages=messages).choices[0]
        with client.chat.completions.stream(**asked, **more, messages=messages) as stream:
            return stream.get_final_completion().choices[0]

    first = answered(tool_choice="required", parallel_tool_calls=False)
    (call,) = first.message.tool_calls
    assert Lookup.model_validate_json(call.function.arguments)
    messages += [first.message, {"role": "tool", "tool_call_id": call.id, "content": "The capital is Paris."}]
    second = answered(tool_choice="none")
    assert second.finish_reason in ("stop", "length")
    assert "Paris" in (second.message.content or "")
    assert not second.message.tool_calls


def test_a_tool_that_is_run_here_is_run(client: openai.OpenAI, address: str) -> None:
    """So small a model sometimes writes one expression without end; of three it ends some."""
    body = {"server_tools": ["calculator"], "limits": {"steps": 2}}
    told = []
    for sum_ in ("12 times 12", "7 plus 5", "100 minus 1"):
        messages: list[Any] = [{"role": "user", "content": f"What is {sum_}?"}]
        answer = client.chat.completions.with_raw_response.create(
            model=MODEL,
            messages=messages,
            tool_choice="required",
            parallel_tool_calls=False,
            temperature=0,
            max_tokens=200,
            extra_body=body,
        )
        assert not answer.parse().choices[0].message.tool_calls
        run = answer.headers["x-jackfield-run"]
        told.append(httpx.get(f"{address.removesuffix('/v1')}/api/runs/{run}/events", timeout=30).text)
    assert any('"type":"call_ended"' in events for events in told)
